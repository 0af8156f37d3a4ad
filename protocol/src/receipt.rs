//! Receipts: what became of a push at each session.

use serde::{Deserialize, Serialize};

use crate::ids::{MessageId, SessionId};

/// Most sessions a receipt lists; the rest are only counted.
pub const MAX_RECEIPT_SESSIONS: usize = 10_000;

/// What became of a push at one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The socket took all of it.
    Written,
    /// It waits for the client to read.
    Queued,
    /// The session could not take it and is closing.
    Dropped,
}

impl Outcome {
    /// The outcome as it stands in receipts and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Queued => "queued",
            Self::Dropped => "dropped",
        }
    }
}

/// One gateway's report on one push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The push.
    pub id: MessageId,
    /// Session and outcome, at most [`MAX_RECEIPT_SESSIONS`].
    pub sessions: Vec<(SessionId, Outcome)>,
    /// How many sessions the push reached in all.
    pub total: u64,
}
