//! What must hold for any bytes whatever: no parser panics, and what it says does not depend on
//! how the bytes were cut or how often they are read.

mod clients;
mod cursors;
mod kernel;
mod links;
mod proxies;
mod pushes;
mod records;
mod reports;
mod servers;
mod stores;
mod takeovers;
mod tokens;
mod verdicts;

pub(crate) use clients::{
    client_frames, first_lines, first_messages, polls, posted_frames, request_heads, tcp_lines,
    websocket_frames,
};
pub(crate) use cursors::cursors;
pub(crate) use kernel::kernel_text;
pub(crate) use links::link_frames;
pub(crate) use proxies::{forwarded_requests, proxy_headers};
pub(crate) use pushes::push_body;
pub(crate) use records::tls_records;
pub(crate) use reports::stress_report;
pub(crate) use servers::server_bytes;
pub(crate) use stores::store_files;
pub(crate) use takeovers::takeover_records;
pub(crate) use tokens::tokens;
pub(crate) use verdicts::batch_report;

/// The bytes in pieces of this length.
fn pieces(bytes: &[u8], length: u8) -> impl Iterator<Item = &[u8]> {
    bytes.chunks(usize::from(length).max(1))
}
