//! Sends probes at a steady rate beside the sessions, and measures when their answers come.
//!
//! One thread, one epoll. Each probe has a time when it is due, and is measured from there. Probes
//! that need a connection of their own are in [`exchange`], those over a persistent one in
//! [`echo`].

mod echo;
mod exchange;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use mio::{Poll, Token};
use protocol::clock;
use slab::Slab;

use crate::{
    measurements::Probed,
    session::{Identity, Openings},
    traffic::Pace,
};

pub(crate) use echo::Line;
use exchange::{Exchange, Step};

/// The longest the thread sleeps.
const TICK: Duration = Duration::from_millis(50);
/// Most exchanges under way; above it a probe is lost before it begins.
const MOST_EXCHANGES: usize = 512;
/// Tokens of persistent connections begin here.
const FIRST_LINE: usize = 1 << 20;
/// The name of probes over persistent connections.
const ECHO: &str = "echo";

/// What to probe.
pub(crate) struct Order {
    /// Probes of each kind per second.
    pub(crate) rate: f64,
    /// When a probe is lost.
    pub(crate) timeout: Duration,
    /// Kinds of probes that each need a connection of their own.
    pub(crate) sorts: Vec<Sort>,
    /// Persistent connections for echoes, taken in turn.
    pub(crate) lines: Vec<Line>,
    /// Who the echo sessions are.
    pub(crate) identity: Identity,
    /// The number in their user id.
    pub(crate) number: u32,
}

/// Probes of one kind.
pub(crate) struct Sort {
    name: &'static str,
    /// Servers, taken in turn, each with the request that it gets; none if connecting is enough.
    servers: Vec<(SocketAddr, Option<String>)>,
}

impl Sort {
    /// TCP connects.
    pub(crate) fn connect(addresses: Vec<SocketAddr>) -> Self {
        let servers = addresses.into_iter().map(|address| (address, None));
        Self { name: "connect", servers: servers.collect() }
    }

    /// HTTP requests, each on a connection of its own.
    pub(crate) fn http<'a>(
        name: &'static str,
        servers: impl Iterator<Item = (SocketAddr, &'a str)>,
    ) -> Self {
        let request = |address, path: &str| {
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        };
        let servers = servers.map(|(address, path)| (address, Some(request(address, path))));
        Self { name, servers: servers.collect() }
    }

    /// Whether there is nobody to ask.
    pub(crate) fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }
}

/// The thread that probes.
pub(crate) struct Prober {
    stop: Arc<AtomicBool>,
    /// The slowest probe since it was asked for last, plus one; 0 is none.
    slowest: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<Results>>,
}

/// What became of the probes, by kind.
pub(crate) type Results = BTreeMap<String, Probed>;

impl Prober {
    /// Begins to probe.
    ///
    /// # Errors
    /// No thread or epoll.
    pub(crate) fn start(order: Order) -> io::Result<Self> {
        let (stop, slowest): (Arc<AtomicBool>, Arc<AtomicU64>) = Default::default();
        let rounds = Rounds::new(order, Arc::clone(&slowest))?;
        let stopped = Arc::clone(&stop);
        let name = "prober".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || rounds.run(&stopped))?;
        Ok(Self { stop, slowest, thread })
    }

    /// The slowest answer since this was asked last, in microseconds; a lost probe counts with its
    /// timeout.
    pub(crate) fn take_slowest(&self) -> Option<u64> {
        self.slowest.swap(0, Ordering::Relaxed).checked_sub(1)
    }

    /// Waits for what is under way and ends.
    ///
    /// # Errors
    /// epoll failed.
    pub(crate) fn finish(self) -> io::Result<Results> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the prober does not panic")
    }
}

/// Where answers and losses are counted.
struct Ledger {
    results: Results,
    timeout: Duration,
    slowest: Arc<AtomicU64>,
}

impl Ledger {
    fn entry(&mut self, name: &str) -> &mut Probed {
        self.results.entry(name.to_owned()).or_default()
    }

    fn on_answer(&mut self, name: &str, due: u64) {
        let took = clock::micros_since_epoch().saturating_sub(due);
        self.entry(name).answered.record(took);
        self.slowest.fetch_max(took + 1, Ordering::Relaxed);
    }

    /// What is outstanding when a kind turns out to be unavailable is not lost.
    fn on_lost(&mut self, name: &str, why: String) {
        if self.entry(name).unavailable.is_some() {
            return;
        }
        *self.entry(name).lost.entry(why).or_default() += 1;
        self.slowest.fetch_max(self.timeout.as_micros() as u64 + 1, Ordering::Relaxed);
    }

    fn on_unavailable(&mut self, name: &str, why: String) {
        *self.entry(name) = Probed { unavailable: Some(why), ..Probed::default() };
    }
}

struct Rounds {
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
    fn new(order: Order, slowest: Arc<AtomicU64>) -> io::Result<Self> {
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
            ledger: Ledger { results: Results::new(), timeout: order.timeout, slowest },
        })
    }

    fn run(mut self, stop: &AtomicBool) -> io::Result<Results> {
        let mut ready = mio::Events::with_capacity(256);
        loop {
            let stopped = stop.load(Ordering::Relaxed);
            if stopped && self.exchanges.is_empty() && self.lines.iter().all(Line::is_quiet) {
                return Ok(self.ledger.results);
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
        let (address, request) = &servers[self.begun as usize % servers.len()];
        self.ledger.entry(name).sent += 1;
        if self.exchanges.len() >= MOST_EXCHANGES {
            let why = format!("more than {MOST_EXCHANGES} probes under way");
            return self.ledger.on_lost(name, why);
        }
        let slot = self.exchanges.vacant_entry();
        let place = slot.key();
        match Exchange::begin(sort, *address, request, due, self.poll.registry(), Token(place)) {
            Ok(exchange) => {
                slot.insert(exchange);
                self.deadlines.push_back((place, due));
            }
            Err(error) => self.ledger.on_lost(name, error.kind().to_string()),
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
            clock::micros_since_epoch().saturating_sub(self.ledger.timeout.as_micros() as u64);
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
