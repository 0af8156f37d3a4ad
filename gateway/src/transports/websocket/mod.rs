//! The WebSocket transport (RFC 6455): [`upgrade`] checks the HTTP request and answers it,
//! [`frame`] reads and writes single frames, [`message`] puts fragments together.

pub mod frame;
pub mod message;
pub mod upgrade;
