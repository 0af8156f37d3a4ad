//! Opens the worker's sessions: as the pace allows, a bounded number at once, each with a deadline.

use std::{
    collections::VecDeque,
    io,
    net::IpAddr,
    time::{Duration, Instant},
};

use mio::{Interest, Token};

use super::{Entry, Worker};
use crate::{
    clock,
    failure::Failure,
    pace::Pace,
    plan::Assignment,
    session::{Session, State},
    socket,
};

/// Where the ramp stands.
pub(super) struct Ramp {
    pace: Pace,
    started: Instant,
    total: u32,
    begun: u32,
    concurrency: u32,
    under_way: u32,
    /// Handshakes in the order they began: place in the slab, number. Those that are over are
    /// skipped when their turn comes.
    deadlines: VecDeque<(usize, u32)>,
    failed: Vec<u32>,
}

impl Ramp {
    pub(super) fn new(assignment: &Assignment) -> Self {
        Self {
            pace: Pace::new(assignment.rate),
            started: Instant::now(),
            total: assignment.count,
            begun: 0,
            concurrency: assignment.concurrency,
            under_way: 0,
            deadlines: VecDeque::new(),
            failed: Vec::new(),
        }
    }

    /// Whether every session is open or has failed.
    pub(super) fn is_settled(&self) -> bool {
        self.begun == self.total && self.under_way == 0
    }

    /// The numbers of the sessions that could not be opened.
    pub(super) fn take_failed(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.failed)
    }

    /// How long nothing has to be opened; `None` while only other events can change that.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let waits = self.begun < self.total && self.under_way < self.concurrency;
        let due = self.pace.time_of(u64::from(self.begun));
        waits.then(|| due.saturating_sub(self.started.elapsed()))
    }

    fn may_begin(&self) -> bool {
        self.next_due() == Some(Duration::ZERO)
    }

    /// A session is open.
    pub(super) fn on_held(&mut self) {
        self.under_way -= 1;
    }

    /// A session could not be opened.
    pub(super) fn on_failed(&mut self, number: u32) {
        self.under_way -= 1;
        self.failed.push(number);
    }
}

impl Worker {
    /// Begins what is due.
    pub(super) fn open_due(&mut self) {
        while self.ramp.may_begin() {
            let number = self.assignment.first + self.ramp.begun;
            self.ramp.begun += 1;
            self.ramp.under_way += 1;
            let started = clock::micros();
            self.tally.ramp.add(started);
            if let Err(error) = self.open(number, started) {
                let errno = error.raw_os_error().unwrap_or_default();
                self.tally.failures.add(Failure::Socket(State::Connecting, errno), 1);
                self.ramp.on_failed(number);
            }
        }
    }

    fn open(&mut self, number: u32, started: u64) -> io::Result<()> {
        let targets = &self.assignment.targets;
        let target = &targets[number as usize % targets.len()];
        let mut stream = socket::connect(target.address, self.source(number))?;
        let slot = self.sessions.vacant_entry();
        let place = slot.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(place), interest)?;
        let session = Session::new(target.transport);
        slot.insert(Entry { stream, session, number, started });
        self.ramp.deadlines.push_back((place, number));
        Ok(())
    }

    /// Every source meets every target before a pair comes again.
    fn source(&self, number: u32) -> Option<IpAddr> {
        let Assignment { targets, sources, .. } = &self.assignment;
        let turn = number as usize / targets.len();
        (!sources.is_empty()).then(|| sources[turn % sources.len()])
    }

    /// Gives up on handshakes that take too long.
    pub(super) fn expire(&mut self) {
        if self.ramp.deadlines.is_empty() {
            return;
        }
        let limit = self.assignment.connect_timeout.as_micros() as u64;
        let now = clock::micros();
        while let Some(&(place, number)) = self.ramp.deadlines.front() {
            let entry = self.sessions.get(place).filter(|entry| entry.number == number);
            let opening = entry.filter(|entry| entry.session.state() < State::Live);
            match opening.map(|entry| (entry.session.state(), entry.started)) {
                Some((_, started)) if now < started + limit => return,
                Some((state, _)) => self.end(place, Failure::Timeout(state)),
                None => {}
            }
            self.ramp.deadlines.pop_front();
        }
    }
}
