//! Asks every session in the end whether its server is still there: what is open may be dead.
//!
//! So many questions are open at once as handshakes may be, so that nobody waits behind all others;
//! those that stay without an answer for a second do not hold up the rest.

use std::{
    collections::VecDeque,
    io::Write,
    time::{Duration, Instant},
};

use client::State;
use slab::Slab;

use super::{entry::Entry, secured::Secured};

/// How long a question takes the place of another.
const ROUND: Duration = Duration::from_secs(1);
/// How often those are looked at that have not answered.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Who was asked and who was not yet.
pub(super) struct RollCall {
    /// Place in the slab, number.
    left: Vec<(usize, u32)>,
    /// In the order they were asked.
    asked: VecDeque<(usize, u32, Instant)>,
    within: Duration,
    most: u32,
    under_way: u32,
    round: Instant,
}

/// What came of a turn.
#[derive(Default)]
pub(super) struct Called {
    /// How many were asked.
    pub(super) asked: u64,
    /// The places of those whose question has to be posted, with it.
    pub(super) posts: Vec<(usize, Vec<u8>)>,
    /// The same of those whose question goes inside TLS.
    pub(super) inside: Vec<(usize, Vec<u8>)>,
    /// The places of those that are given up.
    pub(super) silent: Vec<usize>,
    /// Whether everybody has answered or is given up.
    pub(super) is_over: bool,
}

impl RollCall {
    /// Begins to ask every session that is open, so many at once.
    pub(super) fn begin(within: Duration, most: u32, sessions: &Slab<Entry>) -> Self {
        let open = sessions.iter().filter(|(_, entry)| entry.session.state() == State::Live);
        Self {
            left: open.map(|(place, entry)| (place, entry.number)).collect(),
            asked: VecDeque::new(),
            within,
            most,
            under_way: 0,
            round: Instant::now(),
        }
    }

    /// A session has answered.
    pub(super) fn on_answered(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// How long nothing has to be done, where there is room for questions or not.
    pub(super) fn next_due(&self, has_room: bool) -> Duration {
        match self.left.is_empty() || self.under_way >= self.most || !has_room {
            true => LOOK_EVERY,
            false => Duration::ZERO,
        }
    }

    /// Asks whom it is time to ask, if there is room for questions, and finds those that do not answer.
    pub(super) fn call(
        &mut self,
        sessions: &mut Slab<Entry>,
        secured: &Secured,
        has_room: bool,
    ) -> Called {
        let mut called = Called::default();
        if self.round.elapsed() >= ROUND {
            (self.round, self.under_way) = (Instant::now(), 0);
        }
        while has_room
            && self.under_way < self.most
            && let Some((place, number)) = self.left.pop()
        {
            let Some(entry) = sessions.get_mut(place).filter(|it| it.number == number) else {
                continue;
            };
            let question = entry.session.ask();
            match entry.session.has_way_up() {
                true if secured.has(place) => called.inside.push((place, question)),
                // What does not go out stays without an answer.
                true => drop(entry.stream.write(&question)),
                false => called.posts.push((place, question)),
            }
            self.asked.push_back((place, number, Instant::now()));
            self.under_way += 1;
            called.asked += 1;
        }
        called.silent = self.take_silent(sessions);
        called.is_over = self.left.is_empty() && self.asked.is_empty();
        called
    }

    fn take_silent(&mut self, sessions: &Slab<Entry>) -> Vec<usize> {
        let mut silent = Vec::new();
        while let Some(&(place, number, asked)) = self.asked.front() {
            let entry = sessions.get(place).filter(|entry| entry.number == number);
            if entry.is_some_and(|entry| entry.session.is_asked()) {
                if asked.elapsed() < self.within {
                    break;
                }
                silent.push(place);
            }
            self.asked.pop_front();
        }
        silent
    }
}
