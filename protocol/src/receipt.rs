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
    /// What is known of the sessions beside that, of those for which there is anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<SessionDetail>,
    /// The gateway does not know what the push means, and nobody got it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skipped: bool,
}

/// What a receipt says of one session beside the outcome. It stands apart from the outcomes because
/// older builds read those as pairs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionDetail {
    /// The session.
    pub session: SessionId,
    /// Its device, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Why the push was dropped: the reason for which the session ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Receipt {
    /// A report of sessions of which nothing more is known.
    pub fn new(id: MessageId, sessions: Vec<(SessionId, Outcome)>, total: u64) -> Self {
        Self { id, sessions, total, details: Vec::new(), skipped: false }
    }

    /// A gateway's report that nobody got the push, because it does not know what it means.
    pub fn skipped(id: MessageId) -> Self {
        Self { skipped: true, ..Self::new(id, Vec::new(), 0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_have_one_name_everywhere() {
        for (outcome, name) in [
            (Outcome::Written, "written"),
            (Outcome::Queued, "queued"),
            (Outcome::Dropped, "dropped"),
        ] {
            assert_eq!(outcome.as_str(), name, "in metrics");
            assert_eq!(serde_json::to_value(outcome).expect("a string"), name, "in receipts");
        }
    }

    #[test]
    fn what_a_gateway_does_not_know_reached_nobody_and_says_so() {
        let id = MessageId::generate();
        let skipped = Receipt::skipped(id);
        assert_eq!((skipped.id, skipped.total, skipped.sessions.len()), (id, 0, 0));
        assert!(skipped.skipped && !Receipt::new(id, Vec::new(), 0).skipped);
    }
}
