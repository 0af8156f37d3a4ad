//! Which sessions of one worker are subscribed to which topics. It belongs to the worker's thread,
//! and nobody else looks into it.
//!
//! A topic has a dense list of seats, a seat its subscriptions, each of which knows its place in its
//! topic's list: so a session comes and goes without a search, whatever the number of subscribers.

use std::collections::{HashMap, hash_map::Entry};

use protocol::Topic;
use slab::Slab;

/// The table of seats is cut into so many, so that the growth of one holds up nobody for long.
const SHARDS: usize = 64;

/// A topic that some session of this worker is subscribed to, or that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TopicKey(u32);

/// One topic of one session.
#[derive(Debug, Clone, Copy)]
struct Subscription {
    topic: TopicKey,
    /// Where the session's seat stands in the topic's list.
    position: u32,
    /// Fan-outs up to this number were before it.
    since: u64,
}

struct List {
    topic: Topic,
    seats: Vec<u32>,
    /// Who else needs the key to keep its meaning.
    holds: u32,
}

/// The subscriptions of a worker's sessions.
pub(crate) struct Subscribers {
    keys: HashMap<Topic, TopicKey>,
    lists: Slab<List>,
    of_seats: Vec<HashMap<u32, Vec<Subscription>>>,
}

impl Default for Subscribers {
    fn default() -> Self {
        let of_seats = (0..SHARDS).map(|_| HashMap::new()).collect();
        Self { keys: HashMap::new(), lists: Slab::new(), of_seats }
    }
}

impl Subscribers {
    /// How many topics a seat is subscribed to.
    pub(crate) fn topics_of(&self, seat: u32) -> usize {
        self.of_seats[shard(seat)].get(&seat).map_or(0, Vec::len)
    }

    /// Whether a seat is subscribed to a topic.
    pub(crate) fn is_subscribed(&self, seat: u32, topic: &Topic) -> bool {
        let Some(key) = self.keys.get(topic) else { return false };
        self.keys_of(seat).any(|(other, _)| other == *key)
    }

    /// What a seat is subscribed to.
    pub(crate) fn names_of(&self, seat: u32) -> Vec<Topic> {
        let keys = self.keys_of(seat);
        keys.map(|(key, _)| self.lists[key.0 as usize].topic.clone()).collect()
    }

    /// Subscribes a seat that is not, from behind the fan-out of this number.
    pub(crate) fn subscribe(&mut self, seat: u32, topic: &Topic, since: u64) {
        let key = match self.keys.entry(topic.clone()) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                let list = List { topic: topic.clone(), seats: Vec::new(), holds: 0 };
                *entry.insert(TopicKey(number(self.lists.insert(list))))
            }
        };
        let seats = &mut self.lists[key.0 as usize].seats;
        let subscription = Subscription { topic: key, position: number(seats.len()), since };
        seats.push(seat);
        let of_seat = self.of_seats[shard(seat)].entry(seat).or_default();
        of_seat.reserve_exact(1);
        of_seat.push(subscription);
    }

    /// Ends a subscription; whether there was one.
    pub(crate) fn unsubscribe(&mut self, seat: u32, topic: &Topic) -> bool {
        let Some(key) = self.keys.get(topic).copied() else { return false };
        let Entry::Occupied(mut entry) = self.of_seats[shard(seat)].entry(seat) else {
            return false;
        };
        let of_seat = entry.get_mut();
        let Some(index) = of_seat.iter().position(|one| one.topic == key) else { return false };
        let ended = of_seat.swap_remove(index);
        if of_seat.is_empty() {
            entry.remove();
        }
        self.take_out(ended);
        true
    }

    /// Ends every subscription of a seat, and returns their topics.
    pub(crate) fn leave(&mut self, seat: u32) -> Vec<Topic> {
        let Some(ended) = self.of_seats[shard(seat)].remove(&seat) else { return Vec::new() };
        ended.into_iter().map(|subscription| self.take_out(subscription)).collect()
    }

    /// Takes a seat out of a topic's list. The last of the list takes its place.
    fn take_out(&mut self, ended: Subscription) -> Topic {
        let list = &mut self.lists[ended.topic.0 as usize];
        let position = ended.position as usize;
        list.seats.swap_remove(position);
        if list.seats.len() < list.seats.capacity() / 4 {
            // Not to the last seat, so that it is rare however many leave.
            list.seats.shrink_to(list.seats.len() * 2);
        }
        let topic = list.topic.clone();
        if let Some(moved) = list.seats.get(position) {
            let of_moved = self.of_seats[shard(*moved)].get_mut(moved);
            let mut of_moved = of_moved.into_iter().flatten();
            if let Some(moved) = of_moved.find(|one| one.topic == ended.topic) {
                moved.position = ended.position;
            }
        }
        self.forget_if_unused(ended.topic);
        topic
    }

    /// The key of a topic that has subscribers, or is held.
    pub(super) fn key(&self, topic: &Topic) -> Option<TopicKey> {
        self.keys.get(topic).copied()
    }

    /// Has a key keep its meaning until it is let go of.
    pub(super) fn hold(&mut self, key: TopicKey) {
        self.lists[key.0 as usize].holds += 1;
    }

    /// The key is not needed any more by somebody who held it.
    pub(super) fn let_go(&mut self, key: TopicKey) {
        self.lists[key.0 as usize].holds -= 1;
        self.forget_if_unused(key);
    }

    fn forget_if_unused(&mut self, key: TopicKey) {
        let list = &self.lists[key.0 as usize];
        if list.seats.is_empty() && list.holds == 0 {
            self.keys.remove(&list.topic);
            self.lists.remove(key.0 as usize);
        }
    }

    /// The seats that are subscribed. Whoever goes through them backwards meets each that stays, even
    /// while others come and go: those who come are behind, and only who was met or is still to be
    /// met takes the place of one that leaves.
    pub(super) fn seats(&self, key: TopicKey) -> &[u32] {
        &self.lists[key.0 as usize].seats
    }

    /// The topics of a seat, each with the number of the last fan-out before it was subscribed.
    pub(super) fn keys_of(&self, seat: u32) -> impl Iterator<Item = (TopicKey, u64)> {
        let of_seat = self.of_seats[shard(seat)].get(&seat);
        of_seat.into_iter().flatten().map(|one| (one.topic, one.since))
    }
}

fn shard(seat: u32) -> usize {
    seat as usize % SHARDS
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("there are fewer sessions than descriptors")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Subscribe(u32, u8),
        Unsubscribe(u32, u8),
        Leave(u32),
        Walk(u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..12_u32, 0..4_u8).prop_map(|(seat, topic)| Step::Subscribe(seat, topic)),
            2 => (0..12_u32, 0..4_u8).prop_map(|(seat, topic)| Step::Unsubscribe(seat, topic)),
            1 => (0..12_u32).prop_map(Step::Leave),
            2 => (0..4_u8).prop_map(Step::Walk),
        ]
    }

    fn topic(number: u8) -> Topic {
        Topic::new(&format!("t{number}")).expect("a topic")
    }

    /// A way backwards through a topic's list, under way.
    struct Way {
        key: TopicKey,
        next: usize,
        /// Who was there when it began and has not left since.
        owed: BTreeSet<u32>,
    }

    impl Way {
        /// One step on; false at the end.
        fn go(&mut self, subscribers: &Subscribers) -> bool {
            let seats = subscribers.seats(self.key);
            self.next = self.next.min(seats.len());
            if self.next > 0 {
                self.next -= 1;
                self.owed.remove(&seats[self.next]);
            }
            self.next > 0
        }
    }

    proptest! {
        #[test]
        fn lists_are_those_of_a_plain_model_and_ways_miss_nobody(
            steps in prop::collection::vec(step(), 0..120)
        ) {
            let mut subscribers = Subscribers::default();
            let mut model = BTreeSet::<(u32, u8)>::new();
            let mut ways = Vec::<(u8, Way)>::new();
            for step in steps {
                match step {
                    Step::Subscribe(seat, number) => {
                        let new = model.insert((seat, number));
                        prop_assert_eq!(subscribers.is_subscribed(seat, &topic(number)), !new);
                        if new {
                            subscribers.subscribe(seat, &topic(number), 0);
                        }
                    }
                    Step::Unsubscribe(seat, number) => {
                        let was = model.remove(&(seat, number));
                        prop_assert_eq!(subscribers.unsubscribe(seat, &topic(number)), was);
                        ways.iter_mut().filter(|(of, _)| *of == number).for_each(|(_, way)| {
                            way.owed.remove(&seat);
                        });
                    }
                    Step::Leave(seat) => {
                        let left: BTreeSet<_> = subscribers.leave(seat).into_iter().collect();
                        let expected = (0..4).filter(|number| model.remove(&(seat, *number)));
                        prop_assert_eq!(left, expected.map(topic).collect::<BTreeSet<_>>());
                        ways.iter_mut().for_each(|(_, way)| { way.owed.remove(&seat); });
                    }
                    Step::Walk(number) => {
                        if let Some(key) = subscribers.key(&topic(number)) {
                            subscribers.hold(key);
                            let seats = subscribers.seats(key);
                            let owed = seats.iter().copied().collect();
                            ways.push((number, Way { key, next: seats.len(), owed }));
                        }
                    }
                }
                ways.iter_mut().for_each(|(_, way)| { way.go(&subscribers); });
            }
            for (_, mut way) in ways {
                while way.go(&subscribers) {}
                prop_assert!(way.owed.is_empty(), "missed {:?}", way.owed);
                subscribers.let_go(way.key);
            }
            for seat in 0..12 {
                let topics = model.iter().filter(|(one, _)| *one == seat).count();
                prop_assert_eq!(subscribers.topics_of(seat), topics);
                subscribers.leave(seat);
            }
            prop_assert!(subscribers.keys.is_empty() && subscribers.lists.is_empty());
        }
    }
}
