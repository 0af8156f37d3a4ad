//! What is asked of a machine.

use serde::Serialize;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Question {
    /// Sessions to be held; at most as many as fit into 32 bits.
    pub sessions: u64,
    /// The process that is to hold them; nothing for one that would be started here.
    pub process: Option<u32>,
    /// Whether the clients are on the same machine.
    pub with_client: bool,
    /// Whether they are over TLS.
    pub over_tls: bool,
}
