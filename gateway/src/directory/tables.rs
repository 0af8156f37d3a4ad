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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_sessions_have_the_same_id() {
        let directory = Directory::<()>::default();
        let ids: BTreeSet<_> = (0..1000).map(|_| directory.next_session_id().0).collect();
        assert_eq!(ids.len(), 1000);
        let others = Directory::<()>::default();
        assert!(!ids.contains(&others.next_session_id().0), "nor one of another gateway's");
    }
}
