//! What proxies say of whom they pass on.

use gateway::internals::{
    ClientAddress, MAX_HEADER_BYTES, PassedOn, Request, client_of, proxy_header,
};

use super::pieces;

/// What a connection begins with at a listener for proxies. The first byte says how the rest is cut.
pub(crate) fn proxy_headers(data: &[u8]) {
    let Some((step, bytes)) = data.split_first() else { return };
    let mut waiting = Vec::new();
    for piece in pieces(bytes, *step) {
        waiting.extend_from_slice(piece);
        match proxy_header(&waiting) {
            Ok(None) => assert!(waiting.len() < MAX_HEADER_BYTES, "a header without an end"),
            decided => {
                if let Ok(Some((PassedOn::For(client), used))) = decided {
                    assert!(used <= waiting.len() && is_shown(client));
                }
                return assert_eq!(decided, proxy_header(bytes));
            }
        }
    }
    assert_eq!(proxy_header(bytes), Ok(None));
}

/// The request that a proxy passes on.
pub(crate) fn forwarded_requests(data: &[u8]) {
    let Ok(Some((request, _))) = Request::read(data) else { return };
    let last = client_of(&request, |_| false);
    let first = client_of(&request, |_| true);
    assert!(last.is_none_or(is_shown) && first.is_none_or(is_shown));
    // Who believes everybody believes the last one, too.
    assert_eq!(last.is_some(), first.is_some());
}

/// Whether an address is written as its text says.
fn is_shown(client: ClientAddress) -> bool {
    let text = client.to_string();
    match client.port {
        0 => text.parse() == Ok(client.ip),
        port => text.parse() == Ok(std::net::SocketAddr::new(client.ip, port)),
    }
}
