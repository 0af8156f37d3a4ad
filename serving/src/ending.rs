//! Why a connection was given up, and what its peer is told.

use protocol::problem::Problem;

use crate::waits::Wait;

/// Why a connection was given up while it waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its patience was over.
    Late,
    /// Its place was needed for a newcomer.
    Room,
    /// The bytes it held were needed.
    Memory,
    /// The process stops.
    Stopping,
}

/// A connection that was given up: why, and what it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ending {
    /// Why.
    pub cause: Cause,
    /// What it waited for.
    pub wait: Wait,
}

impl Ending {
    /// Every value of [`Self::label`].
    pub(crate) const LABELS: [&'static str; 8] =
        ["silent", "idle", "head", "farewell", "body", "answer", "room", "memory"];

    /// The reason in metrics; nothing where the process stops.
    pub(crate) fn label(self) -> Option<&'static str> {
        let label = match (self.cause, self.wait) {
            (Cause::Late, Wait::Silent) => "silent",
            (Cause::Late, Wait::Idle) => "idle",
            (Cause::Late, Wait::Head) => "head",
            (Cause::Late, Wait::Farewell) => "farewell",
            (Cause::Late, Wait::Body) => "body",
            (Cause::Late, Wait::Answer) => "answer",
            (Cause::Room, _) => "room",
            (Cause::Memory, _) => "memory",
            (Cause::Stopping, _) => return None,
        };
        Some(label)
    }

    /// What the peer is told, if it has begun to say something.
    pub(crate) fn problem(self) -> Option<Problem> {
        let what = match self.wait {
            Wait::Head => "head of the request",
            Wait::Body => "body",
            Wait::Silent | Wait::Idle | Wait::Farewell | Wait::Answer => return None,
        };
        Some(match self.cause {
            Cause::Late => {
                Problem::new(408, "Request timeout", format!("the {what} stood still for too long"))
            }
            Cause::Room | Cause::Memory | Cause::Stopping => Problem::unavailable(format!(
                "the {what} stood still, and its place was needed for others"
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_has_begun_is_told_why() {
        let problem = |cause, wait| Ending { cause, wait }.problem().map(|problem| problem.status);
        assert_eq!(problem(Cause::Late, Wait::Head), Some(408));
        assert_eq!(problem(Cause::Late, Wait::Body), Some(408));
        assert_eq!(problem(Cause::Room, Wait::Body), Some(503));
        assert_eq!(problem(Cause::Memory, Wait::Head), Some(503));
        for wait in [Wait::Silent, Wait::Idle, Wait::Farewell, Wait::Answer] {
            assert_eq!(problem(Cause::Room, wait), None, "{wait:?}");
        }
    }

    #[test]
    fn every_reason_is_born_at_zero() {
        for cause in [Cause::Late, Cause::Room, Cause::Memory, Cause::Stopping] {
            for wait in [Wait::Silent, Wait::Idle, Wait::Head, Wait::Body, Wait::Answer] {
                let label = Ending { cause, wait }.label();
                assert!(label.is_none_or(|label| Ending::LABELS.contains(&label)), "{label:?}");
            }
        }
    }
}
