//! How many sessions of each worker are subscribed to a topic.
//!
//! Who they are, their workers know. This table answers how many there are, which workers a push
//! concerns, and how large the largest topic is. The first subscriber of a topic and the end of its last
//! one are told to the [`PresenceFeed`] while the topic's shard is locked, so that the feed's order is
//! true for each topic.

use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::{DashMap, Entry};
use protocol::{
    Topic,
    link::{MAX_TOPICS_TOLD, PresenceChange},
};
use smallvec::SmallVec;

use crate::uplink::presence::PresenceFeed;

/// Subscribers by worker.
type Counts = SmallVec<[u32; 4]>;

/// Topics by the powers of two that their subscribers reach.
const SIZES: usize = 33;

/// Topics, and how many of each worker's sessions are subscribed.
pub(crate) struct Topics {
    counts: DashMap<Topic, Counts>,
    known: AtomicUsize,
    /// How many topics there are of each size, so that the largest is known without a search.
    sizes: [AtomicUsize; SIZES],
}

impl Default for Topics {
    fn default() -> Self {
        let sizes = [const { AtomicUsize::new(0) }; SIZES];
        Self { counts: DashMap::default(), known: AtomicUsize::new(0), sizes }
    }
}

impl Topics {
    /// Counts one more subscriber of a worker; whether it is its first.
    pub(crate) fn subscribed(&self, topic: &Topic, worker: usize, feed: &PresenceFeed) -> bool {
        let mut counts = self.counts.entry(topic.clone()).or_default();
        let before = total(&counts);
        if before == 0 {
            let known = self.known.fetch_add(1, Ordering::Relaxed) + 1;
            feed.publish(match known > MAX_TOPICS_TOLD {
                true => PresenceChange::AllTopics,
                false => PresenceChange::Wanted(topic.as_str()),
            });
        }
        if counts.len() <= worker {
            counts.resize(worker + 1, 0);
        }
        counts[worker] += 1;
        self.change_size(before, before + 1);
        counts[worker] == 1
    }

    /// Counts one less; whether it was the worker's last.
    pub(crate) fn unsubscribed(&self, topic: &Topic, worker: usize, feed: &PresenceFeed) -> bool {
        let Entry::Occupied(mut entry) = self.counts.entry(topic.clone()) else { return false };
        let counts = entry.get_mut();
        let before = total(counts);
        let Some(count) = counts.get_mut(worker).filter(|count| **count > 0) else {
            return false;
        };
        *count -= 1;
        let was_last = *count == 0;
        self.change_size(before, before - 1);
        if before == 1 {
            self.known.fetch_sub(1, Ordering::Relaxed);
            feed.publish(PresenceChange::Unwanted(topic.as_str()));
            entry.remove();
        }
        was_last
    }

    fn change_size(&self, before: usize, after: usize) {
        if size(before) != size(after) {
            self.sizes[size(before)].fetch_sub(usize::from(before > 0), Ordering::Relaxed);
            self.sizes[size(after)].fetch_add(usize::from(after > 0), Ordering::Relaxed);
        }
    }

    /// The topic and how many subscribers each worker has, by its number; nothing if there is none.
    pub(crate) fn by_worker(&self, topic: &str) -> Option<(Topic, Counts)> {
        let entry = self.counts.get(topic)?;
        Some((entry.key().clone(), entry.value().clone()))
    }

    /// How many topics have a subscriber.
    pub(crate) fn known(&self) -> usize {
        self.known.load(Ordering::Relaxed)
    }

    /// Those topics, without a lock over all of them: one that gets its first subscriber or loses its last
    /// meanwhile may be among them or not. A word for each; not for an event loop.
    pub(crate) fn all(&self) -> Vec<Topic> {
        self.counts.iter().map(|entry| entry.key().clone()).collect()
    }

    /// Does something while nobody can subscribe to the topic or end that, if somebody is subscribed.
    pub(crate) fn while_subscribed(&self, topic: &Topic, work: impl FnOnce()) {
        if let Some(_held) = self.counts.get(topic) {
            work();
        }
    }

    /// How many sessions are subscribed to a topic.
    pub(crate) fn count(&self, topic: &str) -> usize {
        self.counts.get(topic).map_or(0, |counts| total(&counts))
    }

    /// No topic has more subscribers; the largest may have as few as half.
    pub(crate) fn largest(&self) -> usize {
        let largest = self.sizes.iter().rposition(|topics| topics.load(Ordering::Relaxed) > 0);
        largest.map_or(0, |size| (1 << size) - 1)
    }
}

fn total(counts: &[u32]) -> usize {
    counts.iter().map(|count| *count as usize).sum()
}

/// How many bits the number has, which is the same up to the next power of two.
fn size(subscribers: usize) -> usize {
    ((usize::BITS - subscribers.leading_zeros()) as usize).min(SIZES - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn topic(number: u8) -> Topic {
        Topic::new(&format!("t{number}")).expect("a topic")
    }

    proptest! {
        /// Each subscription is ended by the worker that it was counted for, or once too often.
        #[test]
        fn counts_are_those_of_a_plain_model(
            steps in prop::collection::vec((0_u8..3, 0_usize..3, any::<bool>()), 0..80)
        ) {
            let (topics, feed) = (Topics::default(), PresenceFeed::default());
            let mut model = BTreeMap::<(u8, usize), u32>::new();
            for (number, worker, comes) in steps {
                let count = model.entry((number, worker)).or_default();
                match comes {
                    true => {
                        *count += 1;
                        let is_first = topics.subscribed(&topic(number), worker, &feed);
                        prop_assert_eq!(is_first, *count == 1);
                    }
                    false => {
                        let was_last = topics.unsubscribed(&topic(number), worker, &feed);
                        prop_assert_eq!(was_last, *count == 1);
                        *count = count.saturating_sub(1);
                    }
                }
            }
            let (mut largest, mut known) = (0, 0);
            for number in 0..3 {
                let of = |worker| *model.get(&(number, worker)).unwrap_or(&0);
                let expected = [0, 1, 2].map(of);
                let all = expected.iter().sum::<u32>() as usize;
                prop_assert_eq!(topics.count(topic(number).as_str()), all);
                let found = topics.by_worker(topic(number).as_str());
                prop_assert_eq!(found.is_some(), all > 0, "nothing is left of an empty topic");
                prop_assert!(found.iter().all(|(name, _)| *name == topic(number)));
                let counts = found.map(|(_, counts)| counts).unwrap_or_default();
                for (worker, expected) in expected.iter().enumerate() {
                    prop_assert_eq!(counts.get(worker).unwrap_or(&0), expected);
                }
                largest = largest.max(all);
                known += usize::from(all > 0);
            }
            let bound = topics.largest();
            prop_assert!(bound >= largest && bound < largest.max(1) * 2, "{bound} {largest}");
            let of_a_size: usize = topics.sizes.iter().map(|it| it.load(Ordering::Relaxed)).sum();
            prop_assert_eq!(of_a_size, known, "each topic has one size");
            prop_assert_eq!((topics.known(), topics.all().len()), (known, known));
        }
    }

    #[test]
    fn the_largest_topic_is_rounded_up_to_what_its_size_holds() {
        let (topics, feed) = (Topics::default(), PresenceFeed::default());
        assert_eq!(topics.largest(), 0);
        for (subscribers, most) in [(1, 1), (2, 3), (3, 3), (4, 7), (7, 7), (8, 15)] {
            while topics.count("t0") < subscribers {
                topics.subscribed(&topic(0), 0, &feed);
            }
            assert_eq!(topics.largest(), most, "{subscribers}");
        }
        assert!(size(usize::MAX) < SIZES, "there is a size for every number");
    }
}
