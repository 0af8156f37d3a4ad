//! Recognises a push that comes a second time under the id its backend chose.

use moka::{notification::RemovalCause, policy::EvictionPolicy, sync::Cache};
use prometheus::IntCounter;
use protocol::MessageId;

use crate::settings::DEDUPE_WINDOW;

/// Ids of the last five minutes, at most as many as configured: the longest unseen goes first.
#[derive(Debug)]
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

    /// Takes the id, unless it was taken already.
    pub(crate) fn claim(&self, id: MessageId) -> Option<Claim<'_>> {
        let fresh = self.ids.entry(id).or_insert(()).is_fresh();
        // Made only where it is fresh: a claim that is dropped gives the id back.
        fresh.then(|| Claim { dedupe: self, id, kept: false })
    }
}

/// An id that was taken for a push. Dropping it gives the id back, because the push was not
/// forwarded and may be tried again.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    dedupe: &'a Dedupe,
    id: MessageId,
    kept: bool,
}

impl Claim<'_> {
    /// The push is on its way: its id stays taken.
    pub(crate) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.dedupe.ids.invalidate(&self.id);
        }
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
        let claim = dedupe.claim(id).expect("never seen");
        assert!(dedupe.claim(id).is_none());
        assert!(dedupe.claim(id).is_none(), "asking in vain gives nothing back");
        drop(claim);
        dedupe.claim(id).expect("given back").keep();
        assert!(dedupe.claim(id).is_none());
    }

    #[test]
    fn the_oldest_ids_go_first_and_are_counted() {
        let evictions = IntCounter::new("e", "e").expect("a counter");
        let dedupe = Dedupe::new(10, evictions.clone());
        let ids: Vec<_> = (0..30).map(|_| MessageId::generate()).collect();
        for id in &ids {
            dedupe.claim(*id).expect("never seen").keep();
            dedupe.ids.run_pending_tasks();
        }
        assert_eq!(evictions.get(), 20);
        assert!(dedupe.claim(ids[29]).is_none());
        assert!(dedupe.claim(ids[0]).is_some());
    }
}
