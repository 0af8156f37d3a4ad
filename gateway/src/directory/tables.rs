//! The tables together.

use std::sync::atomic::{AtomicU64, Ordering};

use protocol::SessionId;

use super::{polls::Polls, registry::Registry, topics::Topics};
use crate::uplink::{
    acknowledgements::Acknowledgements, others::Others, presence::PresenceFeed, relays::Relays,
    stores::Stores,
};

/// Who is here, and where that is told. `A` is where a session is reached.
pub(crate) struct Directory<A> {
    /// Users and their sessions.
    pub registry: Registry<A>,
    /// How many are subscribed to topics, by worker.
    pub topics: Topics,
    /// Sessions that are asked by requests.
    pub polls: Polls<A>,
    /// Tells pusher-apis who is here.
    pub presence: PresenceFeed,
    /// Has pusher-apis look for sessions of other gateways.
    pub relays: Relays,
    /// What other gateways have and can take.
    pub others: Others,
    /// What pusher-apis keep messages in.
    pub stores: Stores,
    /// What that is to be told of what clients have.
    pub acknowledgements: Acknowledgements,
    next_session: AtomicU64,
    /// The first id that was given.
    first_session: u64,
}

impl<A> Default for Directory<A> {
    fn default() -> Self {
        let first_session = fastrand::u64(..);
        Self {
            registry: Registry::default(),
            topics: Topics::default(),
            polls: Polls::default(),
            presence: PresenceFeed::default(),
            relays: Relays::default(),
            others: Others::default(),
            stores: Stores::default(),
            acknowledgements: Acknowledgements::default(),
            next_session: AtomicU64::new(first_session),
            first_session,
        }
    }
}

impl<A> Directory<A> {
    /// Nobody is here yet of those that another process has let in, whose ids are among these: the first that was
    /// given, and the next one.
    pub(crate) fn continuing((first_session, next): (u64, u64)) -> Self {
        Self { next_session: AtomicU64::new(next), first_session, ..Self::default() }
    }

    /// The first id that was given, and the next one.
    pub(crate) fn ids(&self) -> (u64, u64) {
        (self.first_session, self.next_session.load(Ordering::Relaxed))
    }

    /// The id that the next session gets.
    pub(crate) fn upcoming_session_id(&self) -> SessionId {
        SessionId(self.next_session.load(Ordering::Relaxed))
    }

    /// An id no other session has.
    pub(crate) fn next_session_id(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }

    /// Whether a session of this process has, or had, this id.
    pub(crate) fn has_given(&self, id: SessionId) -> bool {
        let given = self.next_session.load(Ordering::Relaxed).wrapping_sub(self.first_session);
        id.0.wrapping_sub(self.first_session) < given
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
        assert!(ids.iter().all(|id| directory.has_given(SessionId(*id))));
        let others = Directory::<()>::default();
        let next = others.next_session_id();
        assert!(others.has_given(next) && !directory.has_given(next));
        let after = SessionId(next.0.wrapping_add(1));
        assert!(!others.has_given(after), "not yet");
        assert!(!ids.contains(&others.next_session_id().0), "nor one of another gateway's");
    }
}
