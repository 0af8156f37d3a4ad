//! Transports translate between the bytes of a socket and the JSON frames of a session; the
//! session itself does not ask which one it is on: [`wire`] says what each must answer, and [`table`]
//! where it stands.

pub(crate) mod inbound;
pub(crate) mod poll;
pub(crate) mod sse;
pub(crate) mod table;
pub(crate) mod tcp;
pub(crate) mod websocket;
pub(crate) mod wire;
