//! A store that is a list: its answers come when a test says so; what it is asked and told is the link's own.

use std::{collections::VecDeque, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use protocol::{
    kept::{From, Gaps, Log, Place, Step},
    link::{LogPage, StoreAnswer, StoreQuestion, Up},
};
use uuid::Uuid;

use super::super::thread::Thread;
use crate::uplink::{queue::LinkQueue, way::Way};

/// Messages in a page.
const PAGE: usize = 2;

/// A store by hand.
pub(super) struct Shelf {
    pub(super) way: Way,
    number: u64,
    check: u32,
    /// The log of the user, and that of the topic.
    pub(super) logs: [Vec<(Place, u64)>; 2],
    pub(super) asked: VecDeque<(u64, StoreQuestion)>,
}

impl Shelf {
    pub(super) fn new() -> Self {
        let way = Way(Arc::<LinkQueue>::default());
        Self { way, number: 7, check: 1, logs: Default::default(), asked: VecDeque::new() }
    }

    pub(super) fn here(&self, thread: &Thread) {
        thread.local.directory.stores.offered(&self.way, Some(Uuid::from_u128(1)));
    }

    pub(super) fn end(&self, log: usize) -> Place {
        self.logs[log].last().map_or(Place::START, |(place, _)| *place)
    }

    /// Keeps a message, other logs having had some in between.
    pub(super) fn append(&mut self, log: usize, others: u64) -> Message {
        self.number += 1 + others;
        let (before, place) = (self.end(log), Place { number: self.number, check: self.check });
        let name = self.logs[log].len() as u64 + 1;
        self.logs[log].push((place, name));
        Message { log, step: Step { before, place }, name }
    }

    /// Begins a new part of its history.
    pub(super) fn restart(&mut self) {
        self.check += 1;
    }

    pub(super) fn now(&self) -> Place {
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

    pub(super) fn hear_questions(&mut self) {
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
    pub(super) fn answer(&mut self, thread: &Thread) -> bool {
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
pub(super) struct Message {
    pub(super) log: usize,
    pub(super) step: Step,
    pub(super) name: u64,
}

/// A frame up to its cursor.
pub(super) fn frame(log: usize, name: u64) -> String {
    format!(r#"{{"type":"push","{}":{name}"#, NAMES[log])
}

/// What messages of the two logs are called.
const NAMES: [&str; 2] = ["n", "t"];
