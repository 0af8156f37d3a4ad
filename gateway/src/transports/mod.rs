//! Transports translate between the bytes of a socket and the JSON frames of a session; the
//! session itself does not ask which one it is on, [`wire`] answers.

pub mod inbound;
pub mod tcp;
pub mod websocket;
pub mod wire;
