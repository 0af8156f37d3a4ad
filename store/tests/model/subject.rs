//! A store to be tried.

use std::time::Duration;

use store::contract::Store;

/// How much is kept in a log, before the oldest messages go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Most {
    /// So many messages.
    pub(crate) messages: u64,
    /// So many bytes of payloads.
    pub(crate) bytes: u64,
}

/// The settings of a store that the trials are made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Limits {
    /// Of a user's log.
    pub(crate) user: Most,
    /// Of a topic's.
    pub(crate) topic: Most,
}

/// An empty store, and its clock.
pub(crate) trait Subject {
    /// What is tried.
    type Store: Store;

    /// The store as it is now.
    fn store(&self) -> &Self::Store;

    /// From now on, the store's clock is so much later.
    fn advance(&mut self, by: Duration);

    /// Stops the store and starts it again with what it has, where that is possible.
    fn reopen(&mut self) {}
}
