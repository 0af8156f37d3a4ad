//! How far a session is: what its rules and its failures both speak of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum State {
    /// TCP's handshake is under way.
    Connecting,
    /// The upgrade has been asked for.
    Upgrading,
    /// The transport is open; the server has not said who it takes the client for.
    AwaitingHello,
    /// A message of the client's own has not come back yet.
    AwaitingEcho,
    /// Held.
    Live,
    /// Over.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Upgrading => "upgrading",
            Self::AwaitingHello => "awaiting hello",
            Self::AwaitingEcho => "awaiting the echo",
            Self::Live => "held",
            Self::Closed => "closing",
        })
    }
}
