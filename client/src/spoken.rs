//! The bytes that carry what a client says. Over transports without a way up they are posted: lines of JSON.

use protocol::{
    Transport,
    websocket::{Opcode, masked_frame},
};

use crate::websocket::short_frame;

/// What a ping of the client's carries, so that its pong is told from others.
pub(crate) const QUESTION: &[u8] = b"are you there?";
/// The code of a close that has no cause (RFC 6455 section 7.4.1): 1000.
const NORMAL_CLOSURE: [u8; 2] = 1000_u16.to_be_bytes();

/// A JSON frame.
pub(crate) fn message(transport: Transport, text: &[u8]) -> Vec<u8> {
    match transport {
        Transport::WebSocket => {
            let mut frame = Vec::new();
            masked_frame(Opcode::Text, text, mask(), &mut frame);
            frame
        }
        Transport::Tcp | Transport::Sse | Transport::Poll => [text, b"\n"].concat(),
    }
}

/// A control frame of a WebSocket's.
pub(crate) fn control(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    short_frame(opcode, payload, mask())
}

/// The question whether the server is there.
pub(crate) fn question(transport: Transport) -> Vec<u8> {
    match transport {
        Transport::WebSocket => control(Opcode::Ping, QUESTION),
        Transport::Tcp | Transport::Sse | Transport::Poll => {
            message(transport, br#"{"type":"ping"}"#)
        }
    }
}

/// The last word, where there is one.
pub(crate) fn goodbye(transport: Transport) -> Vec<u8> {
    match transport {
        Transport::WebSocket => control(Opcode::Close, &NORMAL_CLOSURE),
        Transport::Tcp | Transport::Sse | Transport::Poll => Vec::new(),
    }
}

fn mask() -> [u8; 4] {
    fastrand::u32(..).to_ne_bytes()
}
