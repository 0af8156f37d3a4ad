//! Clients, what is kept for them, and what may happen to both.

use std::time::Instant;

use proptest::prelude::*;
use protocol::{
    Topic, Transport,
    kept::{Cursor, Place},
    link::TargetRef,
};

use super::{
    super::{
        client::Client,
        thread::{Thread, Who},
    },
    shelf::{Message, Shelf, frame},
};
use crate::{
    delivery::topic_reader::TopicReader,
    session::{Head, StoreBack},
};

/// What a client hears last.
const END: &str = "[end]";

/// Room for more than is pushed.
pub(super) const ROOM: usize = 1 << 20;

/// What may happen.
#[derive(Debug, Clone)]
pub(super) enum Event {
    Join(usize),
    /// Somebody wants the topic from its start, or from what comes next.
    Subscribe(usize, bool),
    /// A message is kept in a log; others' messages in between; whether it will be forwarded.
    Append(usize, u64, bool),
    /// One of those on their way comes.
    Deliver(usize),
    Live,
    Answer,
    Settle,
    Read(usize),
    /// The store goes away, or comes back.
    Away,
    Back,
    /// The gateway hears where the log ends.
    Look,
    /// The store begins a new part of its history.
    Restart,
}

pub(super) fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (0..3_usize).prop_map(Event::Join),
        2 => (0..8_usize, any::<bool>()).prop_map(|(which, start)| Event::Subscribe(which, start)),
        8 => (0..2_usize, 0..3_u64, prop::bool::weighted(0.8))
            .prop_map(|(log, others, is)| Event::Append(log, others, is)),
        8 => (0..8_usize).prop_map(Event::Deliver),
        3 => Just(Event::Live),
        6 => Just(Event::Answer),
        6 => Just(Event::Settle),
        2 => (0..8_usize).prop_map(Event::Read),
        1 => Just(Event::Away),
        1 => Just(Event::Back),
        2 => Just(Event::Look),
        1 => Just(Event::Restart),
    ]
}

pub(super) struct World {
    pub(super) thread: Thread,
    pub(super) shelf: Shelf,
    clients: Vec<(Client, Vec<String>)>,
    on_the_way: Vec<Message>,
    live: u64,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with_room(ROOM)
    }

    /// The same with so many bytes of room for the pushes that a session has wait.
    pub(super) fn with_room(room: usize) -> Self {
        let flags = ["--sessions-per-user=100"];
        let thread = Thread::with_settings(&flags, |settings| settings.outbound_limit = room);
        let shelf = Shelf::new();
        shelf.here(&thread);
        Self { thread, shelf, clients: Vec::new(), on_the_way: Vec::new(), live: 0 }
    }

    pub(super) fn happen(&mut self, event: &Event) {
        let count = self.clients.len();
        match *event {
            Event::Join(transport) => {
                let transport = [Transport::WebSocket, Transport::Tcp, Transport::Sse][transport];
                let who = Who { topics: &["t"], ..Who::default() };
                let client = self.thread.join(transport, &who);
                self.clients.push((client, Vec::new()));
            }
            Event::Subscribe(which, from_start) if count > 0 => {
                let after = if from_start { r#","after":"start""# } else { "" };
                let topic = format!(r#"{{"topic":"t"{after}}}"#);
                let frame = format!(r#"{{"type":"subscribe","topics":[{topic}]}}"#);
                self.clients[which % count].0.say_frame(&frame);
            }
            Event::Append(log, others, is_forwarded) => {
                let kept = self.shelf.append(log, others);
                self.on_the_way.extend(is_forwarded.then_some(kept));
            }
            Event::Deliver(which) if !self.on_the_way.is_empty() => {
                let Message { log, step, name } =
                    self.on_the_way.remove(which % self.on_the_way.len());
                let target = match log {
                    0 => TargetRef::KeptUsers(vec![("u", step)]),
                    _ => TargetRef::KeptTopic("t", step),
                };
                self.thread.push(target, &frame(log, name));
            }
            Event::Live => {
                self.live += 1;
                let frame = format!(r#"{{"type":"push","live":{}}}"#, self.live);
                self.thread.push(TargetRef::User("u"), &frame);
            }
            Event::Answer => drop(self.shelf.answer(&self.thread)),
            Event::Settle => {
                self.thread.walk();
                self.thread.settle();
            }
            Event::Read(which) if count > 0 => self.read(which % count),
            Event::Away => {
                self.shelf.hear_questions();
                self.shelf.asked.clear();
                self.thread.local.directory.stores.lost(&self.shelf.way, Instant::now());
            }
            Event::Back => self.back(),
            Event::Look => self.look(),
            Event::Restart => self.shelf.restart(),
            Event::Deliver(_) | Event::Read(_) | Event::Subscribe(..) => {}
        }
    }

    fn each_session(&self, tell: impl Fn(&actix::Addr<crate::session::Session>)) {
        let sessions = self.thread.local.directory.registry.sessions("u");
        sessions.iter().filter_map(|one| one.address.upgrade()).for_each(|one| tell(&one));
    }

    pub(super) fn back(&mut self) {
        self.shelf.here(&self.thread);
        self.each_session(|session| session.do_send(StoreBack));
    }

    fn look(&self) {
        let ends = [0, 1].map(|log| self.shelf.end(log));
        if ends[0] != Place::START {
            self.each_session(|session| session.do_send(Head(ends[0])));
        }
        if ends[1] != Place::START {
            let (local, topic) = (&self.thread.local, Topic::new("t").expect("a topic"));
            let reader = TopicReader::new(&local.directory, &local.fan_out, &local.push_memory);
            reader.look(&topic, ends[1]);
        }
    }

    fn read(&mut self, which: usize) {
        let (client, all) = &mut self.clients[which];
        if all.last().is_none_or(|last| last != END) {
            all.extend(client.heard());
        }
    }

    /// Behind the word that it is subscribed, from a cursor on, somebody has all that follows that, once and in order.
    fn judge_topic(&self, frames: &[serde_json::Value]) -> Result<(), TestCaseError> {
        let begins = |frame: &serde_json::Value| {
            let topic = &frame["topics"][0];
            topic["cursor"].is_string() || topic["recovered"].is_boolean()
        };
        let last = frames.iter().rposition(begins);
        let Some(last) = last else { return Ok(()) };
        let topic = &frames[last]["topics"][0];
        let from = match topic["cursor"].as_str().map(Cursor::decode) {
            Some(cursor) => cursor.expect("a cursor").place.number,
            None if topic["recovered"].is_boolean() => 0,
            None => return Ok(()),
        };
        let numbers: Vec<_> =
            frames[last..].iter().filter_map(|frame| frame["t"].as_u64()).collect();
        let behind = self.shelf.logs[1].iter().filter(|(place, _)| place.number > from);
        let expected: Vec<_> = behind.map(|(_, name)| *name).collect();
        prop_assert_eq!(numbers, expected, "{:?}", frames);
        Ok(())
    }

    /// Gives everybody turns until the store has nothing more to answer.
    pub(super) fn settle_with_answers(&mut self) {
        while {
            self.thread.settle();
            self.shelf.answer(&self.thread)
        } {}
    }

    fn heard(&self) -> usize {
        self.clients.iter().map(|(_, heard)| heard.len()).sum()
    }

    /// Everything comes in the end; each client has it all.
    pub(super) fn judge(mut self) -> Result<(), TestCaseError> {
        while !self.on_the_way.is_empty() {
            self.happen(&Event::Deliver(0));
        }
        self.thread.settle();
        self.back();
        self.thread.settle();
        self.look();
        let mut rounds = 0;
        loop {
            rounds += 1;
            prop_assert!(rounds < 10_000, "it asks without end");
            self.thread.walk();
            self.thread.settle();
            let before = self.heard();
            (0..self.clients.len()).for_each(|which| self.read(which));
            if !self.shelf.answer(&self.thread) && self.heard() == before {
                break;
            }
        }
        let expected: Vec<_> = (1..=self.shelf.logs[0].len() as u64).collect();
        for (client, heard) in &self.clients {
            let frames = heard.iter().map(|text| serde_json::from_str(text).expect(text));
            let frames: Vec<serde_json::Value> = frames.collect();
            // Who does not read is not promised everything while it stays.
            if frames.iter().any(|frame| frame["reason"] == "too_slow") {
                continue;
            }
            prop_assert_eq!(&frames[0]["type"], "hello", "{:?}", heard);
            let of = |name| frames.iter().filter_map(move |frame| frame[name].as_u64());
            prop_assert_eq!(&of("n").collect::<Vec<_>>(), &expected, "{:?}", heard);
            prop_assert!(of("live").is_sorted_by(|one, next| one < next), "{heard:?}");
            let of_own = frames.iter().filter(|it| it["topic"].is_null());
            let gaps = of_own.clone().filter(|it| it["reason"] == "store_away").count();
            let recovered = of_own.filter(|it| it["type"] == "recovered").count();
            prop_assert_eq!(gaps, recovered, "{:?}", heard);
            self.judge_topic(&frames)?;
            let kept = frames.iter().filter(|it| it["n"].is_u64() || it["t"].is_u64());
            prop_assert!(kept.into_iter().all(|it| it["cursor"].is_string()), "{heard:?}");
            prop_assert!(self.thread.is_here(client));
        }
        Ok(())
    }
}
