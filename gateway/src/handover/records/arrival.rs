//! A connection that is not a session.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::{super::bytes::Bytes, field::is_default};

/// How far a connection is that is not a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ProgressRecord {
    /// This much has come.
    Speaking {
        /// The words.
        words: Bytes,
        /// Whether it has had an answer, and is kept for the next request.
        is_idle: bool,
    },
    /// It waits for what a session says.
    Asking {
        /// The number that the session names.
        ticket: u64,
        /// The origin whose pages may read it.
        reader: Option<String>,
        /// What has come meanwhile, if the connection goes on behind the answer.
        words: Option<Bytes>,
    },
    /// It is being told something.
    Telling {
        /// What it has not been told.
        bytes: Bytes,
        /// What has come meanwhile.
        words: Bytes,
    },
    /// It has its answer and goes.
    Answered,
}

/// Where a connection came in, or what it is by now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PortRecord {
    /// HTTP.
    Http,
    /// Lines.
    Tcp,
    /// A WebSocket whose client has yet to say who it is.
    WebSocket,
}

/// A connection that is not a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArrivalRecord {
    /// Where it came in.
    pub port: PortRecord,
    /// Whether a proxy's header is still to come.
    #[serde(default, skip_serializing_if = "is_default")]
    pub is_proxied: bool,
    /// Where its client is, if a proxy has told.
    #[serde(default, skip_serializing_if = "is_default")]
    pub client: Option<SocketAddr>,
    /// How far it is.
    pub progress: ProgressRecord,
    /// The device that its request named.
    #[serde(default, skip_serializing_if = "is_default")]
    pub device: Option<String>,
    /// How long it has.
    #[serde(default, skip_serializing_if = "is_default")]
    pub left_ms: Option<i64>,
}
