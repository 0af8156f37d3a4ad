//! Sessions on socket pairs, without a gateway, a thread or a port: bytes go in, bytes come out,
//! and time passes when a test says so.

mod ages;
mod client;
mod deadlines;
mod endings;
mod fan_out;
mod floods;
mod kept;
mod memory;
mod opening;
mod outcomes;
mod pieces;
mod polling;
mod receipts;
mod slow;
mod thread;
mod topics;
