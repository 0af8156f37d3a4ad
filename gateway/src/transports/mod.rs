//! Transports translate between the bytes of a socket and the JSON frames of a session; the
//! session itself does not ask which one it is on.

pub mod tcp;
pub mod websocket;

use protocol::CloseReason;

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// RFC 6455.
    WebSocket,
    /// One JSON frame a line.
    Tcp,
}

impl Transport {
    /// Every transport.
    pub const ALL: [Self; 2] = [Self::WebSocket, Self::Tcp];

    /// The name in metrics and presence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Tcp => "tcp",
        }
    }

    /// Appends a JSON frame in the bytes of this transport.
    pub fn encode(self, json: &[u8], out: &mut Vec<u8>) {
        if self == Self::WebSocket {
            websocket::frame::text_header(json.len(), out);
        }
        out.extend_from_slice(json);
        if self == Self::Tcp {
            out.push(b'\n');
        }
    }

    /// Appends what tells the peer that nothing follows, where the transport has such a thing.
    pub fn encode_close(self, reason: CloseReason, out: &mut Vec<u8>) {
        if self == Self::WebSocket {
            websocket::frame::close_frame(reason.code(), reason.as_str(), out);
        }
    }
}

/// What a transport found in the bytes from its peer.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound<'a> {
    /// A JSON frame, not yet looked into.
    Frame(&'a [u8]),
    /// A binary message (WebSocket only).
    Binary(&'a [u8]),
    /// To be answered with the same payload (WebSocket only).
    Ping(&'a [u8]),
    /// An answer to our ping (WebSocket only).
    Pong,
    /// The peer closes, with the code it gave (WebSocket only).
    Close(Option<u16>),
}
