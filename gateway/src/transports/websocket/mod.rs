//! The WebSocket transport (RFC 6455): [`frame`] reads and writes single frames, [`message`] puts
//! fragments together, `wire` is what a session needs of both.

pub mod frame;
pub mod message;
mod wire;

pub use self::wire::WebSocket;
