//! The parts of a run that messages are told apart by.

use serde::{Deserialize, Serialize};

/// The parts of a scenario in which messages are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Phase {
    /// All sessions are open: before a storm, or while none is asked to come back.
    Steady = 1,
    /// A storm: some are being dropped, until the gateways know.
    Drop,
    /// A storm: they are gone.
    After,
    /// A storm: they come back.
    Reopen,
    /// Pushes to single users, many in a request, as fast as possible.
    Batch,
    /// Pushes to single users, one in a request, as fast as possible.
    Single,
    /// Pushes to single users at a rate.
    Rate,
    /// Pushes to everybody.
    All,
    /// Pushes to the topic that everybody has.
    Topic,
    /// Some sessions were asked to come back, and are not there yet.
    Return,
}

impl Phase {
    /// Every phase, in order.
    pub const EVERY: [Self; 10] = [
        Self::Steady,
        Self::Drop,
        Self::After,
        Self::Reopen,
        Self::Batch,
        Self::Single,
        Self::Rate,
        Self::All,
        Self::Topic,
        Self::Return,
    ];

    /// As it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Steady => "steady",
            Self::Drop => "drop",
            Self::After => "after",
            Self::Reopen => "reopen",
            Self::Batch => "batch",
            Self::Single => "single",
            Self::Rate => "rate",
            Self::All => "all",
            Self::Topic => "topic",
            Self::Return => "return",
        }
    }

    /// The phase of this number in a stamp.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::EVERY.into_iter().find(|phase| *phase as u8 == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_keep_their_numbers() {
        for phase in Phase::EVERY {
            assert_eq!(Phase::from_number(phase as u8), Some(phase));
        }
        assert_eq!(Phase::from_number(0), None);
    }
}
