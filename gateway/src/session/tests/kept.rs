//! What is kept reaches every session once and in order, whatever is late, missing or away. The store is a list
//! here, whose answers come when a test says so; what it is asked and told is the link's own.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use proptest::prelude::*;
use protocol::{
    Topic, Transport,
    kept::{Cursor, From, Gaps, Log, Place, Step},
    link::{LogPage, StoreAnswer, StoreQuestion, TargetRef, Up},
};
use uuid::Uuid;

use super::{
    client::Client,
    thread::{Thread, Who},
};
use crate::{
    delivery::topic_reader::TopicReader,
    session::{Cursors, Head, StoreBack},
    uplink::{queue::LinkQueue, way::Way},
};

/// Messages in a page.
const PAGE: usize = 2;

/// A store by hand.
struct Shelf {
    way: Way,
    number: u64,
    check: u32,
    /// The log of the user, and that of the topic.
    logs: [Vec<(Place, u64)>; 2],
    asked: VecDeque<(u64, StoreQuestion)>,
}

impl Shelf {
    fn new() -> Self {
        let way = Way(Arc::<LinkQueue>::default());
        Self { way, number: 7, check: 1, logs: Default::default(), asked: VecDeque::new() }
    }

    fn here(&self, thread: &Thread) {
        thread.local.directory.stores.offered(&self.way, Some(Uuid::from_u128(1)));
    }

    fn end(&self, log: usize) -> Place {
        self.logs[log].last().map_or(Place::START, |(place, _)| *place)
    }

    /// Keeps a message, other logs having had some in between.
    fn append(&mut self, log: usize, others: u64) -> Message {
        self.number += 1 + others;
        let (before, place) = (self.end(log), Place { number: self.number, check: self.check });
        let name = self.logs[log].len() as u64 + 1;
        self.logs[log].push((place, name));
        Message { log, step: Step { before, place }, name }
    }

    fn now(&self) -> Place {
        Place { number: self.number, check: self.check }
    }

    fn page(&self, log: usize, from: Place) -> StoreAnswer {
        let behind = self.logs[log].iter().filter(|(place, _)| place.number > from.number);
        let behind: Vec<_> = behind.collect();
        let messages: Vec<_> = behind
            .iter()
            .take(PAGE)
            .map(|(place, name)| (*place, Bytes::from(frame(log, *name))))
            .collect();
        let rest = (behind.len() - messages.len()) as u64;
        let through = messages.last().filter(|_| rest > 0).map_or(self.now(), |(place, _)| *place);
        StoreAnswer::Page(LogPage { from, gaps: Gaps::NONE, messages, through, rest })
    }

    fn hear_questions(&mut self) {
        let mut written = BytesMut::new();
        while let Some(Some(bytes)) = self.way.0.next().now_or_never() {
            written.extend_from_slice(&bytes);
        }
        while let Some(frame) = Up::decode(&mut written).expect("frames") {
            if let Up::StoreQuestion { question, body } = frame {
                self.asked.push_back((question, body));
            }
        }
    }

    /// Answers the question that has waited longest; whether there was one.
    fn answer(&mut self, thread: &Thread) -> bool {
        self.hear_questions();
        let Some((number, question)) = self.asked.pop_front() else { return false };
        let answer = match question {
            StoreQuestion::Begin { after, .. } => self.page(0, after.unwrap_or(Place::START)),
            StoreQuestion::Read { log, from } => {
                let from = match from {
                    From::After(place) => place,
                    From::Start => Place::START,
                    From::Now => self.now(),
                };
                self.page(usize::from(matches!(log, Log::Topic(_))), from)
            }
            other => panic!("{other:?}"),
        };
        thread.local.directory.stores.on_answer(&self.way, number, answer);
        true
    }
}

/// A message on its way.
#[derive(Debug, Clone, Copy)]
struct Message {
    log: usize,
    step: Step,
    name: u64,
}

/// A frame up to its cursor.
fn frame(log: usize, name: u64) -> String {
    format!(r#"{{"type":"push","{}":{name}"#, NAMES[log])
}

/// What messages of the two logs are called.
const NAMES: [&str; 2] = ["n", "t"];

/// What may happen.
#[derive(Debug, Clone)]
enum Event {
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

fn event() -> impl Strategy<Value = Event> {
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

struct World {
    thread: Thread,
    shelf: Shelf,
    clients: Vec<(Client, Vec<String>)>,
    on_the_way: Vec<Message>,
    live: u64,
}

impl World {
    fn new() -> Self {
        let (thread, shelf) = (Thread::new(&["--sessions-per-user=100"]), Shelf::new());
        shelf.here(&thread);
        Self { thread, shelf, clients: Vec::new(), on_the_way: Vec::new(), live: 0 }
    }

    fn happen(&mut self, event: &Event) {
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
            Event::Restart => self.shelf.check += 1,
            Event::Deliver(_) | Event::Read(_) | Event::Subscribe(..) => {}
        }
    }

    fn each_session(&self, tell: impl Fn(&actix::Addr<crate::session::Session>)) {
        let sessions = self.thread.local.directory.registry.sessions("u");
        sessions.iter().filter_map(|one| one.address.upgrade()).for_each(|one| tell(&one));
    }

    fn back(&mut self) {
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
        all.extend(client.heard());
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

    fn heard(&self) -> usize {
        self.clients.iter().map(|(_, heard)| heard.len()).sum()
    }

    /// Everything comes in the end; each client has it all.
    fn judge(mut self) -> Result<(), TestCaseError> {
        while !self.on_the_way.is_empty() {
            self.happen(&Event::Deliver(0));
        }
        self.thread.settle();
        self.back();
        self.thread.settle();
        self.look();
        loop {
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
            prop_assert_eq!(&frames[0]["type"], "hello", "{:?}", heard);
            let of = |name| frames.iter().filter_map(move |frame| frame[name].as_u64());
            prop_assert_eq!(&of("n").collect::<Vec<_>>(), &expected, "{:?}", heard);
            prop_assert!(of("live").is_sorted_by(|one, next| one < next), "{heard:?}");
            let of_own = |kind: &str| {
                frames.iter().filter(|it| it["type"] == kind && it["topic"].is_null()).count()
            };
            prop_assert_eq!(of_own("gap"), of_own("recovered"), "{:?}", heard);
            self.judge_topic(&frames)?;
            let kept = frames.iter().filter(|it| it["n"].is_u64() || it["t"].is_u64());
            prop_assert!(kept.into_iter().all(|it| it["cursor"].is_string()), "{heard:?}");
            prop_assert!(self.thread.is_here(client));
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn what_is_kept_comes_once_and_in_order(events in prop::collection::vec(event(), 1..80)) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        world.judge()?;
    }
}

fn frames(heard: &[String]) -> Vec<String> {
    heard.iter().map(|frame| frame.replace(char::is_whitespace, "")).collect()
}

#[test]
fn hello_waits_for_the_store_and_says_what_follows() {
    let mut world = World::new();
    (0..3).for_each(|_| world.happen(&Event::Append(0, 0, false)));
    let who = Who { topics: &["t"], greeting: b"", ..Who::default() };
    let mut client = world.thread.join(Transport::Tcp, &who);
    world.happen(&Event::Live);
    world.thread.settle();
    assert_eq!(client.heard(), <[String; 0]>::default(), "not before the store has answered");
    while world.shelf.answer(&world.thread) {
        world.thread.settle();
    }
    let heard = frames(&client.heard());
    let kinds: Vec<_> =
        heard.iter().map(|frame| frame.split(',').next().unwrap_or(frame)).collect();
    let push = r#"{"type":"push""#;
    let expected = [r#"{"type":"hello""#, push, push, push, push, r#"{"type":"subscribed""#];
    assert_eq!(kinds, expected, "{heard:?}");
    assert!(heard[0].contains(r#""recovered":true,"kept":3"#), "{heard:?}");
    assert!(heard[4].contains(r#""live":1"#), "{heard:?}");
    assert_eq!(world.thread.metric("holdfast_pushes_replayed_total"), 3);
}

#[test]
fn who_came_before_a_store_was_known_hears_of_it_when_it_is() {
    let mut world = World::new();
    world.thread = Thread::new(&[]);
    world.happen(&Event::Append(0, 0, false));
    let mut client = world.thread.client(Transport::WebSocket);
    world.back();
    while {
        world.thread.settle();
        world.shelf.answer(&world.thread)
    } {}
    let heard = client.heard();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert_eq!(heard[0], r#"{"type":"gap","reason":"store_away"}"#);
    assert!(heard[1].contains(r#""n":1"#) && heard[2].contains(r#""recovered""#), "{heard:?}");
}

#[test]
fn the_id_of_an_event_names_the_users_log_and_those_of_the_tokens_topics() {
    let mut world = World::new();
    let who = Who { topics: &["t"], ..Who::default() };
    let mut client = world.thread.join(Transport::Sse, &who);
    while {
        world.thread.settle();
        world.shelf.answer(&world.thread)
    } {}
    (0..2).for_each(|log| {
        world.happen(&Event::Append(log, 0, true));
        world.happen(&Event::Deliver(0));
        world.happen(&Event::Settle);
    });
    let ids: Vec<_> = client.ids();
    let numbers = |id: &String| {
        let cursors = id.split(',').map(|text| Cursor::decode(text).expect("a cursor"));
        cursors.map(|cursor| cursor.place.number).collect::<Vec<_>>()
    };
    let numbers: Vec<_> = ids.iter().map(numbers).collect();
    assert_eq!(numbers, [vec![0], vec![0, 7], vec![8, 7], vec![8, 9]]);
    let given_back = ids.last().expect("an id").clone();
    let cursors = Cursors::new([given_back.as_str()]);
    let topic = Log::Topic(Topic::new("t").expect("a topic"));
    assert_eq!(cursors.in_log(&topic).map(|place| place.number), Some(9));
}

#[test]
fn a_store_that_is_away_is_said_to_be_and_what_is_kept_follows_later() {
    let mut world = World::new();
    world.happen(&Event::Append(0, 0, false));
    world.happen(&Event::Away);
    let mut client = world.thread.join(Transport::Sse, &Who::default());
    world.happen(&Event::Live);
    world.thread.settle();
    let heard = client.heard();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard[0].contains(r#""recovered":false,"kept":0"#), "{heard:?}");
    assert_eq!(heard[1], r#"{"type":"gap","reason":"store_away"}"#);
    assert!(heard[2].contains(r#""live":1"#), "{heard:?}");
    world.back();
    while {
        world.thread.settle();
        world.shelf.answer(&world.thread)
    } {}
    let heard = client.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0].contains(r#""n":1"#) && heard[1].contains(r#""recovered""#), "{heard:?}");
    assert!(heard[1].ends_with(r#""kept":1}"#), "{heard:?}");
}
