//! How far this gateway has the logs of topics, so that their messages are fanned out in order and once, and a
//! hole is read once for all who are subscribed here.
//!
//! A feed begins where the first of a topic's sessions that asked the store was told that the log ends, or before the
//! first message that comes. One that comes before the one in front of it waits here, while what is missing is read.
//! Sessions that begin behind a cursor read by themselves, up to where the feed is.

use std::collections::{BTreeMap, HashMap};

use parking_lot::Mutex;
use protocol::{
    Topic,
    kept::{Following, Place},
};

use super::message::Push;

/// Most messages of a topic that wait for what stands before them; others are read.
const MOST_EARLY: usize = 256;

/// The feeds of all topics with subscribers.
#[derive(Default)]
pub(crate) struct Feeds {
    /// Held while messages of a topic are handed on, so that all hear them in one order.
    feeds: Mutex<HashMap<Topic, Feed>>,
}

struct Feed {
    /// Up to where its messages were fanned out.
    place: Place,
    /// Those that came too early, by their numbers.
    early: BTreeMap<u64, Push>,
    /// Whether what is missing is being read.
    reading: bool,
    /// The highest number of those that were here when that began: they are in what is read, or of another history.
    asked_with: u64,
}

impl Feed {
    fn new(place: Place) -> Self {
        Self { place, early: BTreeMap::new(), reading: false, asked_with: 0 }
    }

    /// Hands on a message, or keeps it until what stands before it is there. Whether something is missing.
    fn take(&mut self, push: &Push, send: &mut impl FnMut(&Push)) -> bool {
        let Some(kept) = push.frame.kept() else { return false };
        match kept.step.seen_from(self.place) {
            Following::Past => return false,
            Following::Next => {
                self.place = kept.step.place;
                send(push);
                self.take_early(send);
            }
            Following::Unsure => {
                if self.early.len() < MOST_EARLY {
                    self.early.insert(kept.step.place.number, push.clone());
                }
            }
        }
        !self.early.is_empty()
    }

    /// Hands on those that were too early and are not any more.
    fn take_early(&mut self, send: &mut impl FnMut(&Push)) {
        while let Some(first) = self.early.first_entry() {
            let Some(kept) = first.get().frame.kept() else { return drop(first.remove()) };
            let step = kept.step;
            match step.seen_from(self.place) {
                Following::Unsure => return,
                Following::Past => drop(first.remove()),
                Following::Next => {
                    self.place = step.place;
                    send(&first.remove());
                }
            }
        }
    }

    /// From where the log has to be read now, if it has to be.
    fn read_from(&mut self, is_missing: bool) -> Option<Place> {
        if !is_missing || self.reading {
            return None;
        }
        self.reading = true;
        self.asked_with = self.early.last_key_value().map_or(0, |(number, _)| *number);
        Some(self.place)
    }
}

/// What was read of a log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Read {
    /// Up to where.
    pub through: Place,
    /// Whether there was no more behind it.
    pub is_end: bool,
    /// Whether the place that was asked for was believed.
    pub is_believed: bool,
}

impl Feeds {
    /// Does something while nothing of a topic can be handed on, and says how far its feed is.
    pub(crate) fn while_still<R>(
        &self,
        topic: &Topic,
        work: impl FnOnce() -> R,
    ) -> (R, Option<Place>) {
        let feeds = self.feeds.lock();
        (work(), feeds.get(topic).map(|feed| feed.place))
    }

    /// A message of a topic has come. Comes back from where the log has to be read, if it has to be.
    pub(crate) fn on_push(
        &self,
        topic: &Topic,
        push: &Push,
        mut send: impl FnMut(&Push),
    ) -> Option<Place> {
        let mut feeds = self.feeds.lock();
        let before = push.frame.kept()?.step.before;
        let feed = feeds.entry(topic.clone()).or_insert_with(|| Feed::new(before));
        let is_missing = feed.take(push, &mut send);
        feed.read_from(is_missing)
    }

    /// A session was told that the log ends there: the feed begins, unless it has. Says how far it is.
    pub(crate) fn begin(&self, topic: &Topic, end: Place) -> Place {
        let mut feeds = self.feeds.lock();
        feeds.entry(topic.clone()).or_insert_with(|| Feed::new(end)).place
    }

    /// What was missing was read: these messages, up to this place, with no more behind it if it is the end. Some may
    /// have come meanwhile, unless the place that was asked for was not believed. Comes back as above.
    pub(crate) fn on_read(
        &self,
        topic: &Topic,
        pushes: &[Push],
        Read { through, is_end, is_believed }: Read,
        mut send: impl FnMut(&Push),
    ) -> Option<Place> {
        let mut feeds = self.feeds.lock();
        let feed = feeds.get_mut(topic)?;
        feed.reading = false;
        let had = if is_believed { feed.place.number } else { 0 };
        let is_new =
            |push: &&Push| push.frame.kept().is_none_or(|kept| kept.step.place.number > had);
        pushes.iter().filter(is_new).for_each(&mut send);
        if through.number > had {
            feed.place = through;
        }
        let covered = if is_end { feed.asked_with.max(through.number) } else { through.number };
        feed.early.retain(|number, _| *number > covered);
        feed.take_early(&mut send);
        let is_missing = !is_end || !feed.early.is_empty();
        feed.read_from(is_missing)
    }

    /// How far each is.
    pub(crate) fn places(&self) -> Vec<(Topic, Place)> {
        let feeds = self.feeds.lock();
        feeds.iter().map(|(topic, feed)| (topic.clone(), feed.place)).collect()
    }

    /// The log could not be read.
    pub(crate) fn on_failure(&self, topic: &Topic) {
        if let Some(feed) = self.feeds.lock().get_mut(topic) {
            feed.reading = false;
        }
    }

    /// The log ends there. Comes back as above.
    pub(crate) fn on_head(&self, topic: &Topic, end: Place) -> Option<Place> {
        let mut feeds = self.feeds.lock();
        let feed = feeds.get_mut(topic)?;
        let is_missing = !feed.place.has(end) || !feed.early.is_empty();
        feed.read_from(is_missing)
    }

    /// Forgets the feeds of topics that nobody here is subscribed to any more.
    pub(crate) fn keep(&self, is_wanted: impl Fn(&Topic) -> bool) {
        self.feeds.lock().retain(|topic, feed| feed.reading || is_wanted(topic));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use protocol::kept::{Log, Step};

    use super::*;
    use crate::{
        delivery::frame::{FrameMemory, Kept, SharedFrame},
        runtime::acceptance::Accepted,
    };

    fn at(number: u64) -> Place {
        Place { number, check: 1 }
    }

    struct World {
        feeds: Feeds,
        topic: Topic,
        memory: Arc<FrameMemory>,
        heard: Vec<u64>,
    }

    impl World {
        fn new() -> Self {
            let topic = Topic::new("news").expect("a topic");
            let memory = FrameMemory::new(1 << 20);
            Self { feeds: Feeds::default(), topic, memory, heard: Vec::new() }
        }

        fn message(&self, before: u64, number: u64) -> Push {
            let log = Log::Topic(self.topic.clone());
            let kept = Kept { log, step: Step { before: at(before), place: at(number) } };
            let frame = SharedFrame::kept_at(b"{", kept, &self.memory, &mut Vec::new());
            Push { frame, accepted: Accepted::now(), receipt: None }
        }

        fn push(&mut self, before: u64, number: u64) -> Option<Place> {
            let push = self.message(before, number);
            self.feeds.on_push(&self.topic, &push, |push| self.heard.push(number_of(push)))
        }

        fn begin(&mut self, end: u64) -> Place {
            self.feeds.begin(&self.topic, at(end))
        }

        fn read(&mut self, messages: &[u64], through: u64, is_end: bool) -> Option<Place> {
            let pushes: Vec<_> = messages.iter().map(|it| self.message(0, *it)).collect();
            let read = Read { through: at(through), is_end, is_believed: true };
            let send = |push: &Push| self.heard.push(number_of(push));
            self.feeds.on_read(&self.topic, &pushes, read, send)
        }
    }

    fn number_of(push: &Push) -> u64 {
        push.frame.kept().expect("kept").step.place.number
    }

    #[test]
    fn messages_are_handed_on_in_order_and_a_hole_is_read_once() {
        let mut world = World::new();
        assert_eq!((world.begin(5), world.push(0, 3)), (at(5), None), "it is of before");
        assert_eq!(world.begin(6), at(5), "it has begun");
        assert_eq!((world.push(3, 7), world.push(3, 7), &world.heard), (None, None, &vec![7]));
        assert_eq!(world.push(8, 9), Some(at(7)), "8 is missing");
        assert_eq!((world.push(9, 10), world.feeds.on_head(&world.topic, at(10))), (None, None));
        assert_eq!(world.push(7, 8), None, "it was only late");
        assert_eq!(world.heard, [7, 8, 9, 10]);
        assert_eq!(world.read(&[], 10, true), None);
        assert_eq!(world.push(11, 12), Some(at(10)));
        assert_eq!(world.read(&[11], 11, false), Some(at(12)), "there was more");
        assert_eq!(world.read(&[], 12, true), None);
        assert_eq!(world.heard, [7, 8, 9, 10, 11, 12]);
        assert_eq!(world.feeds.on_head(&world.topic, at(15)), Some(at(12)));
        world.feeds.on_failure(&world.topic);
        assert_eq!(world.feeds.on_head(&world.topic, at(15)), Some(at(12)), "once more");
        world.feeds.keep(|_| false);
        assert_eq!(
            world.feeds.while_still(&world.topic, || ()).1,
            Some(at(12)),
            "as long as it is read"
        );
        assert_eq!(world.read(&[14, 15], 16, true), None);
        assert_eq!((world.push(14, 15), world.heard.len()), (None, 8), "read already");
        world.feeds.keep(|_| false);
        assert_eq!(world.feeds.while_still(&world.topic, || ()).1, None);
    }

    #[test]
    fn a_feed_begins_with_what_comes_first() {
        let mut world = World::new();
        assert_eq!((world.push(2, 3), world.begin(9)), (None, at(3)));
        assert_eq!(world.heard, [3]);
    }

    #[test]
    fn what_a_restored_store_does_not_know_is_not_waited_for() {
        let mut world = World::new();
        world.begin(5);
        assert_eq!(world.push(8, 9), Some(at(5)));
        assert_eq!((world.read(&[], 6, true), world.heard.len()), (None, 0), "it is not there");
        assert_eq!((world.push(6, 7), &world.heard), (None, &vec![7]));
    }
}
