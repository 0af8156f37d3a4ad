//! The tables together.

use std::sync::atomic::{AtomicU64, Ordering};

use protocol::SessionId;

use super::{registry::Registry, topics::Topics};
use crate::uplink::presence::PresenceFeed;

/// Who is here, and where that is told. `A` is where a session is reached.
pub(crate) struct Directory<A> {
    /// Users and their sessions.
    pub registry: Registry<A>,
    /// How many are subscribed to topics, by worker.
    pub topics: Topics,
    /// Tells pusher-apis who is here.
    pub presence: PresenceFeed,
    next_session: AtomicU64,
}

impl<A> Default for Directory<A> {
    fn default() -> Self {
        Self {
            registry: Registry::default(),
            topics: Topics::default(),
            presence: PresenceFeed::default(),
            next_session: AtomicU64::new(fastrand::u64(..)),
        }
    }
}

impl<A> Directory<A> {
    /// An id no other session has.
    pub(crate) fn next_session_id(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }
}
