//! Why a process takes nothing over.

use crate::handover::channel::ChannelError;

/// Why nothing is taken over; the other process goes on.
#[derive(Debug, thiserror::Error)]
pub enum TakeoverError {
    /// It cannot be talked to.
    #[error("{0}")]
    Channel(String),
    /// It does not want to.
    #[error("the running gateway refuses: {0}")]
    Refused(String),
    /// It is another user's.
    #[error("the process that waits there runs as user {theirs}, and this one as {own}")]
    OtherUser {
        /// Its user.
        theirs: u32,
        /// Ours.
        own: u32,
    },
    /// It does not know the link secret.
    #[error("the running gateway does not prove that it has the same --link-secret")]
    NoProof,
    /// It holds more than fits in here.
    #[error(
        "no room: the running gateway has {sessions} sessions and {descriptors} descriptors, and here is room for {most} and {left}"
    )]
    NoRoom {
        /// Sessions it has.
        sessions: usize,
        /// Descriptors it gives.
        descriptors: usize,
        /// Sessions there may be.
        most: usize,
        /// Descriptors there are.
        left: usize,
    },
    /// What it says cannot be understood.
    #[error("what the running gateway gives cannot be taken: {0}")]
    Nonsense(String),
}

impl From<ChannelError> for TakeoverError {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Unreadable(why) => Self::Nonsense(why),
            error => Self::Channel(error.to_string()),
        }
    }
}

/// Something was said that was not its turn.
pub(super) fn out_of_turn() -> TakeoverError {
    TakeoverError::Nonsense("a message out of its turn".to_owned())
}
