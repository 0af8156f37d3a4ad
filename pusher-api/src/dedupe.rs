//! Recognises a push that comes a second time under the id its backend chose.

use moka::{notification::RemovalCause, policy::EvictionPolicy, sync::Cache};
use prometheus::IntCounter;
use protocol::MessageId;

use crate::settings::DEDUPE_WINDOW;

/// Ids of the last five minutes, at most as many as configured: the longest unseen goes first.
pub(crate) struct Dedupe {
    ids: Cache<MessageId, ()>,
}

impl Dedupe {
    /// Remembers up to `capacity` ids and counts those it had to forget early.
    pub(crate) fn new(capacity: u64, evictions: IntCounter) -> Self {
        let ids = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(DEDUPE_WINDOW)
            .eviction_listener(move |_, (), cause| {
                if cause == RemovalCause::Size {
                    evictions.inc();
                }
            })
            .build();
        Self { ids }
    }

    /// Takes the id; `false` if it was taken already.
    pub(crate) fn claim(&self, id: MessageId) -> bool {
        self.ids.entry(id).or_insert(()).is_fresh()
    }

    /// Gives the id back, because its push was refused and may be tried again.
    pub(crate) fn release(&self, id: MessageId) {
        self.ids.invalidate(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_claimed_once_until_it_is_given_back() {
        let evictions = IntCounter::new("e", "e").expect("a counter");
        let dedupe = Dedupe::new(100, evictions);
        let id = MessageId::generate();
        assert!(dedupe.claim(id));
        assert!(!dedupe.claim(id));
        dedupe.release(id);
        assert!(dedupe.claim(id));
    }

    #[test]
    fn the_oldest_ids_go_first_and_are_counted() {
        let evictions = IntCounter::new("e", "e").expect("a counter");
        let dedupe = Dedupe::new(10, evictions.clone());
        let ids: Vec<_> = (0..30).map(|_| MessageId::generate()).collect();
        for id in &ids {
            assert!(dedupe.claim(*id));
            dedupe.ids.run_pending_tasks();
        }
        assert_eq!(evictions.get(), 20);
        assert!(!dedupe.claim(ids[29]));
        assert!(dedupe.claim(ids[0]));
    }
}
