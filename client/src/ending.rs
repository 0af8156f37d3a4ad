//! How a server can end a session, or refuse one.

use std::fmt;

/// What the server said or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// The upgrade was answered with this HTTP status.
    Status(u16),
    /// The server closed the WebSocket with this code; 1005 if it gave none.
    Close(u16),
    /// The server said `bye` with this reason.
    Bye(String),
    /// The server broke this rule of the transport.
    Protocol(String),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "HTTP status {status}"),
            Self::Close(code) => write!(f, "WebSocket close code {code}"),
            Self::Bye(reason) => write!(f, "bye: {reason}"),
            Self::Protocol(rule) => write!(f, "the server sent {rule}"),
        }
    }
}
