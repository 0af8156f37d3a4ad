//! Transports translate between the bytes of a socket and the JSON frames of a session; the
//! session itself does not ask which one it is on: [`wire`] says what each must answer, and [`table`]
//! where it stands.

pub mod inbound;
pub mod table;
pub mod tcp;
pub mod websocket;
pub mod wire;
