//! Which gateways have a subscriber of a topic, in memory, as the gateways tell it.
//!
//! The table is the one of users. A gateway that has not named all its topics, has too many of them, or
//! cannot tell, is sent pushes to all: it has no list in force.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
};

use super::presence::{Epoch, Presence};
use crate::status::{GatewayIndex, GatewayIndexes, MOST_TOPICS};

/// The topics of all gateways.
#[derive(Debug, Default)]
pub(crate) struct Topics {
    gateways: Presence,
    remembered: AtomicUsize,
}

impl Topics {
    /// The gateway has a subscriber of the topic, by this list of its. False if no more can be
    /// remembered.
    pub(crate) fn add(
        &self,
        topic: &str,
        gateway: GatewayIndex,
        interest: &Interest,
        list: List,
    ) -> bool {
        if self.remembered.load(Ordering::Relaxed) >= MOST_TOPICS {
            return false;
        }
        if self.gateways.came(topic, gateway, list.epoch()).is_news {
            self.remembered.fetch_add(1, Ordering::Relaxed);
            interest.topics.fetch_add(1, Ordering::Relaxed);
        }
        true
    }

    /// Its last subscriber is gone.
    pub(crate) fn remove(&self, topic: &str, gateway: GatewayIndex, interest: &Interest) {
        if self.gateways.went(topic, gateway) {
            self.forget(1, interest);
        }
    }

    /// Forgets what the gateway told before its newest list. Walks over all topics, a shard at a time: not
    /// for an event loop.
    pub(crate) fn sweep(&self, gateway: GatewayIndex, interest: &Interest) {
        let epoch = Epoch(interest.newest.load(Ordering::Acquire));
        self.forget(self.gateways.sweep(gateway, epoch), interest);
    }

    fn forget(&self, count: usize, interest: &Interest) {
        self.remembered.fetch_sub(count, Ordering::Relaxed);
        interest.topics.fetch_sub(count, Ordering::Relaxed);
    }

    /// The gateways that have told of a subscriber.
    pub(crate) fn gateways_of(&self, topic: &str) -> GatewayIndexes {
        self.gateways.gateways_of(topic)
    }
}

/// One list of a gateway's topics, counted up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List(NonZeroU32);

impl List {
    fn epoch(self) -> Epoch {
        Epoch(self.0.get())
    }
}

/// How far it is known which topics one gateway has subscribers of.
#[derive(Debug, Default)]
pub(crate) struct Interest {
    /// The list that is whole and in force; 0 for none.
    in_force: AtomicU32,
    /// The newest list there was.
    newest: AtomicU32,
    /// Topics that are remembered of it.
    topics: AtomicUsize,
}

impl Interest {
    /// The list in force: the gateway has subscribers of those topics only that it names. None if it is
    /// to be sent pushes to all.
    pub(crate) fn list(&self) -> Option<List> {
        NonZeroU32::new(self.in_force.load(Ordering::Acquire)).map(List)
    }

    /// No list is in force any more. Returns the next one, which is to be told.
    pub(crate) fn begin_anew(&self) -> List {
        self.in_force.store(0, Ordering::Release);
        let next = self.newest.load(Ordering::Relaxed).checked_add(1).and_then(NonZeroU32::new);
        let next = next.unwrap_or(NonZeroU32::MIN);
        self.newest.store(next.get(), Ordering::Release);
        List(next)
    }

    /// The list is whole.
    pub(crate) fn complete(&self, list: List) {
        self.in_force.store(list.0.get(), Ordering::Release);
    }

    /// Topics that are remembered of the gateway.
    pub(crate) fn topics(&self) -> usize {
        self.topics.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: GatewayIndex = GatewayIndex(1);
    const TWO: GatewayIndex = GatewayIndex(2);

    #[test]
    fn a_list_is_in_force_from_its_end_to_the_beginning_of_the_next() {
        let interest = Interest::default();
        assert_eq!(interest.list(), None);
        let first = interest.begin_anew();
        assert_eq!(interest.list(), None, "it is not whole");
        interest.complete(first);
        assert_eq!(interest.list(), Some(first));
        let second = interest.begin_anew();
        assert_eq!(interest.list(), None);
        interest.complete(second);
        assert_eq!(interest.list(), Some(second));
        assert_ne!(first, second);
        interest.newest.store(u32::MAX, Ordering::Relaxed);
        let after = interest.begin_anew();
        assert_eq!(interest.list(), None);
        interest.complete(after);
        assert_eq!(interest.list(), Some(after), "0 is none of them");
    }

    #[test]
    fn what_an_older_list_named_goes_and_is_counted_down() {
        let (topics, one, two) = (Topics::default(), Interest::default(), Interest::default());
        let (first, other) = (one.begin_anew(), two.begin_anew());
        for topic in ["a", "b", "b"] {
            assert!(topics.add(topic, ONE, &one, first));
        }
        assert!(topics.add("b", TWO, &two, other));
        assert_eq!(topics.gateways_of("b").as_slice(), [ONE, TWO]);
        assert_eq!((one.topics(), two.topics()), (2, 1));
        let second = one.begin_anew();
        assert!(topics.add("a", ONE, &one, second));
        topics.sweep(ONE, &one);
        assert_eq!(topics.gateways_of("a").as_slice(), [ONE]);
        assert_eq!(topics.gateways_of("b").as_slice(), [TWO]);
        topics.remove("a", ONE, &one);
        topics.remove("a", ONE, &one);
        topics.remove("b", TWO, &two);
        assert_eq!((one.topics(), two.topics()), (0, 0));
        assert_eq!(topics.remembered.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let (topics, interest) = (Topics::default(), Interest::default());
        let list = interest.begin_anew();
        assert!(topics.add("a", ONE, &interest, list));
        topics.remembered.store(MOST_TOPICS - 1, Ordering::Relaxed);
        assert!(topics.add("b", ONE, &interest, list));
        assert!(!topics.add("c", ONE, &interest, list));
        assert!(topics.gateways_of("c").is_empty());
        topics.remove("a", ONE, &interest);
        assert!(topics.add("c", ONE, &interest, list));
    }
}
