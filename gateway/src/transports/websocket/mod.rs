//! The WebSocket transport (RFC 6455): [`frame`] reads and writes single frames, [`message`] puts
//! fragments together, `wire` is what a session needs of both.

pub(crate) mod frame;
pub(crate) mod message;
mod wire;

pub use self::wire::WebSocket;
