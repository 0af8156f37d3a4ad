//! How many sessions of each worker are subscribed to a topic.
//!
//! Who they are, their workers know. This table answers how many there are, which workers a push
//! concerns, and how large the largest topic is.

use std::sync::atomic::{AtomicUsize, Ordering};

use dashmap::{DashMap, Entry};
use protocol::Topic;
use smallvec::SmallVec;

/// Subscribers by worker.
type Counts = SmallVec<[u32; 4]>;

/// Topics by the powers of two that their subscribers reach.
const SIZES: usize = 33;

/// Topics, and how many of each worker's sessions are subscribed.
pub(crate) struct Topics {
    counts: DashMap<Topic, Counts>,
    /// How many topics there are of each size, so that the largest is known without a search.
    sizes: [AtomicUsize; SIZES],
}

impl Default for Topics {
    fn default() -> Self {
        Self { counts: DashMap::default(), sizes: [const { AtomicUsize::new(0) }; SIZES] }
    }
}

impl Topics {
    /// Counts one more subscriber of a worker; whether it is its first.
    pub(crate) fn subscribed(&self, topic: &Topic, worker: usize) -> bool {
        let mut counts = self.counts.entry(topic.clone()).or_default();
        let before = total(&counts);
        if counts.len() <= worker {
            counts.resize(worker + 1, 0);
        }
        counts[worker] += 1;
        self.change_size(before, before + 1);
        counts[worker] == 1
    }

    /// Counts one less; whether it was the worker's last.
    pub(crate) fn unsubscribed(&self, topic: &Topic, worker: usize) -> bool {
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
            let topics = Topics::default();
            let mut model = BTreeMap::<(u8, usize), u32>::new();
            for (number, worker, comes) in steps {
                let count = model.entry((number, worker)).or_default();
                match comes {
                    true => {
                        *count += 1;
                        let is_first = topics.subscribed(&topic(number), worker);
                        prop_assert_eq!(is_first, *count == 1);
                    }
                    false => {
                        let was_last = topics.unsubscribed(&topic(number), worker);
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
        }
    }

    #[test]
    fn the_largest_topic_is_rounded_up_to_what_its_size_holds() {
        let topics = Topics::default();
        assert_eq!(topics.largest(), 0);
        for (subscribers, most) in [(1, 1), (2, 3), (3, 3), (4, 7), (7, 7), (8, 15)] {
            while topics.count("t0") < subscribers {
                topics.subscribed(&topic(0), 0);
            }
            assert_eq!(topics.largest(), most, "{subscribers}");
        }
        assert!(size(usize::MAX) < SIZES, "there is a size for every number");
    }
}
