//! How a client is connected.

use serde::{Deserialize, Serialize};

/// What carries the JSON frames of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transport {
    /// A text frame per JSON frame (RFC 6455).
    WebSocket,
    /// A line per JSON frame.
    Tcp,
    /// An event per JSON frame, in the answer to a request (WHATWG HTML, server-sent events).
    Sse,
    /// Some JSON frames in the answer to each of a row of requests.
    Poll,
}

impl Transport {
    /// Every transport; the place of each is its number.
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::Tcp, Self::Sse, Self::Poll];
    /// Those whose sessions end with their connection.
    pub const OF_A_CONNECTION: [Self; 3] = [Self::WebSocket, Self::Tcp, Self::Sse];

    /// The name in metrics and presence.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WebSocket => "websocket",
            Self::Tcp => "tcp",
            Self::Sse => "sse",
            Self::Poll => "poll",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_each_is_its_number() {
        for (place, transport) in Transport::ALL.into_iter().enumerate() {
            assert_eq!(transport as usize, place);
        }
    }

    #[test]
    fn each_has_its_name() {
        assert_eq!(Transport::ALL.map(Transport::as_str), ["websocket", "tcp", "sse", "poll"]);
    }
}
