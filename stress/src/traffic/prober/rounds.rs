//! Begins a round of probes whenever one is due, and follows each to its answer or its end.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use mio::{Poll, Token};
use protocol::clock;
use slab::Slab;

use super::{
    echo::Line,
    exchange::{Exchange, Step, name_of},
    ledger::{ECHO, Ledger, Results},
    order::{Order, Sort},
};
use crate::{session::opening::Openings, traffic::pace::Pace};

/// The longest the thread sleeps.
const TICK: Duration = Duration::from_millis(50);
/// Most exchanges under way; above it a probe is lost before it begins.
const MOST_EXCHANGES: usize = 512;
/// Tokens of persistent connections begin here.
const FIRST_LINE: usize = 1 << 20;

/// Where the probes stand.
pub(super) struct Rounds {
    poll: Poll,
    pace: Pace,
    started: (Instant, u64),
    /// Rounds that have begun; each is a probe of every kind.
    begun: u64,
    sorts: Vec<Sort>,
    exchanges: Slab<Exchange>,
    /// In the order they were due; those that are over are skipped.
    deadlines: VecDeque<(usize, u64)>,
    lines: Vec<Line>,
    openings: Openings,
    number: u32,
    ledger: Ledger,
}

impl Rounds {
    /// None have begun.
    pub(super) fn new(order: Order, slowest: Arc<AtomicU64>) -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            pace: Pace::new(order.rate),
            started: (Instant::now(), clock::micros_since_epoch()),
            begun: 0,
            sorts: order.sorts,
            exchanges: Slab::new(),
            deadlines: VecDeque::new(),
            lines: order.lines,
            openings: Openings::new(order.identity),
            number: order.number,
            ledger: Ledger::new(order.timeout, slowest),
        })
    }

    /// Probes until it is stopped and nothing is under way.
    pub(super) fn run(mut self, stop: &AtomicBool) -> io::Result<Results> {
        let mut ready = mio::Events::with_capacity(256);
        loop {
            let stopped = stop.load(Ordering::Relaxed);
            if stopped && self.exchanges.is_empty() && self.lines.iter().all(Line::is_quiet) {
                return Ok(self.ledger.into_results());
            }
            if !stopped {
                self.begin_due();
            }
            let next = self.pace.time_of(self.begun).saturating_sub(self.started.0.elapsed());
            let wait = if stopped { TICK } else { next.min(TICK) };
            match self.poll.poll(&mut ready, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &ready {
                match event.token().0.checked_sub(FIRST_LINE) {
                    Some(line) => self.on_line_ready(line),
                    None => self.advance(event.token().0),
                }
            }
            self.expire();
        }
    }

    fn begin_due(&mut self) {
        while self.begun < self.pace.due(self.started.0.elapsed()) {
            let due = self.started.1 + self.pace.time_of(self.begun).as_micros() as u64;
            for sort in 0..self.sorts.len() {
                self.begin(sort, due);
            }
            self.begin_echo(due);
            self.begun += 1;
        }
    }

    fn begin(&mut self, sort: usize, due: u64) {
        let Sort { name, servers } = &self.sorts[sort];
        let server = &servers[self.begun as usize % servers.len()];
        self.ledger.entry(name).sent += 1;
        if self.exchanges.len() >= MOST_EXCHANGES {
            let why = format!("more than {MOST_EXCHANGES} probes under way");
            return self.ledger.on_lost(name, why);
        }
        let slot = self.exchanges.vacant_entry();
        let place = slot.key();
        match Exchange::begin(sort, server, due, self.poll.registry(), Token(place)) {
            Ok(exchange) => {
                slot.insert(exchange);
                self.deadlines.push_back((place, due));
            }
            Err(error) => self.ledger.on_lost(name, name_of(&error)),
        }
    }

    fn advance(&mut self, place: usize) {
        let Some(exchange) = self.exchanges.get_mut(place) else { return };
        let step = exchange.advance();
        let (name, due) = (self.sorts[exchange.sort()].name, exchange.due());
        match step {
            Step::Waits => return,
            Step::Answered => self.ledger.on_answer(name, due),
            Step::Lost(why) => self.ledger.on_lost(name, why),
        }
        self.exchanges.remove(place);
    }

    fn begin_echo(&mut self, due: u64) {
        if self.lines.is_empty() || self.lines.iter().any(Line::is_useless) {
            return;
        }
        let index = self.begun as usize % self.lines.len();
        let token = Token(FIRST_LINE + index);
        self.ledger.entry(ECHO).sent += 1;
        self.lines[index].probe(due, self.poll.registry(), token, &mut self.ledger);
    }

    fn on_line_ready(&mut self, index: usize) {
        let Self { lines, openings, number, ledger, .. } = self;
        lines[index].on_ready(*number, openings, ledger);
    }

    /// Gives up on what takes too long.
    fn expire(&mut self) {
        let limit =
            clock::micros_since_epoch().saturating_sub(self.ledger.timeout().as_micros() as u64);
        while let Some(&(place, due)) = self.deadlines.front().filter(|(_, due)| *due < limit) {
            self.deadlines.pop_front();
            if self.exchanges.get(place).is_some_and(|exchange| exchange.due() == due) {
                let exchange = self.exchanges.remove(place);
                self.ledger.on_lost(self.sorts[exchange.sort()].name, "timeout".into());
            }
        }
        self.lines.iter_mut().for_each(|line| line.expire(limit, &mut self.ledger));
    }
}
