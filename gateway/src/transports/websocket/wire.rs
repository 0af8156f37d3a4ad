//! What a session needs of WebSockets.

use std::ops::Range;

use protocol::{
    CloseReason,
    websocket::{Opcode, header},
};

use super::{
    frame::{close_frame, frame},
    message::next_frame,
};
use crate::transports::{
    inbound::{Assembly, Sink},
    wire::Wire,
};

/// The transport of RFC 6455.
pub struct WebSocket;

impl Wire for WebSocket {
    fn next(
        &self,
        bytes: &mut [u8],
        assembly: &mut Option<Assembly>,
        limit: usize,
        sink: Sink<'_>,
    ) -> Result<Option<usize>, CloseReason> {
        next_frame(bytes, assembly, limit, sink)
    }

    fn encode(&self, json: &[u8], out: &mut Vec<u8>) {
        frame(Opcode::Text, json, out);
    }

    fn slice(&self, json: Range<usize>) -> Range<usize> {
        // The header stands in front: server frames are unmasked (section 5.1).
        0..json.end
    }

    fn ping(&self, out: &mut Vec<u8>) {
        header(Opcode::Ping, 0, out);
    }

    fn pong(&self, payload: &[u8], out: &mut Vec<u8>) {
        frame(Opcode::Pong, payload, out);
    }

    fn binary(&self, payload: &[u8], out: &mut Vec<u8>) {
        frame(Opcode::Binary, payload, out);
    }

    fn close(&self, reason: CloseReason, out: &mut Vec<u8>) {
        close_frame(reason.code(), reason.as_str(), out);
    }

    fn close_back(&self, code: Option<u16>, out: &mut Vec<u8>) {
        match code {
            Some(code) => close_frame(code, "", out),
            None => header(Opcode::Close, 0, out),
        }
    }

    fn ends_by_shutdown(&self) -> bool {
        // The client closes, once it has the close frame.
        false
    }
}
