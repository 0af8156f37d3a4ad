//! Sends messages through pusher-api.
//!
//! It shares two cores with the clients, the gateways and pusher-api, so it is lean rather than
//! general: one thread, one epoll, a few keep-alive connections with one request under way on
//! each, requests that are put together as text, and responses of which only status and length
//! are parsed. [`schedule`] says what is due, [`message`] writes it, [`connection`] carries it,
//! [`http`] reads the answer.

mod connection;
mod http;
mod message;
mod schedule;

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use mio::{Poll, Token};
use serde::{Deserialize, Serialize};

use crate::{
    measurements::add,
    settings::{Limit, Mode, Recipients},
};
use connection::{Connection, Finished};
use message::Writer;
use schedule::Schedule;

/// How often a paced batch is sent.
const TICK: Duration = Duration::from_millis(2);
/// How long a connection rests after it broke or was told that there is too much to do.
const REST: Duration = Duration::from_millis(100);
/// After so many refused connects in a row nobody is there.
const MOST_REFUSED_CONNECTS: u32 = 50;

/// What to push, and where to.
#[derive(Clone)]
pub(crate) struct Order {
    /// The servers, taken in turn.
    pub addresses: Vec<SocketAddr>,
    /// How they are called in requests.
    pub host: String,
    /// The key they ask for.
    pub key: Option<String>,
    /// How messages travel.
    pub mode: Mode,
    /// Connections, each with one request under way.
    pub connections: usize,
    /// Most messages in a request.
    pub batch: u64,
    /// Size of a message's data, in bytes.
    pub payload: usize,
    /// Whom messages are for.
    pub recipients: Recipients,
    /// What user ids begin with.
    pub user_prefix: String,
    /// The numbers of the users who are online.
    pub online: Arc<Vec<u32>>,
    /// Messages per second; 0 is as fast as possible.
    pub rate: f64,
    /// How many to send, or else for how long.
    pub limit: Limit,
    /// The number of the first message.
    pub first: u64,
    /// The phase of the scenario, to be written into messages; 0 is none.
    pub phase: Arc<AtomicU8>,
}

/// What pusher-api said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Messages sent.
    pub offered: u64,
    /// Messages it took.
    pub accepted: u64,
    /// Messages it did not take, and refused connects, by reason.
    pub refused: BTreeMap<String, u64>,
    /// From the first request to the last answer.
    pub seconds: f64,
}

impl Outcome {
    /// Whether pushing worked at all, if there was anything to push.
    pub(crate) fn is_clean(&self) -> bool {
        self.accepted > 0 || (self.offered == 0 && self.refused.is_empty())
    }

    /// Adds another one.
    pub(crate) fn merge(&mut self, other: Self) {
        add(&mut self.offered, other.offered);
        add(&mut self.accepted, other.accepted);
        self.seconds += other.seconds;
        other.refused.into_iter().for_each(|(why, count)| self.refuse(why, count));
    }

    fn refuse(&mut self, why: String, count: u64) {
        add(self.refused.entry(why).or_default(), count);
    }
}

/// Pushes until the order is done or `stop` is set.
///
/// # Errors
/// No epoll.
pub(crate) fn run(order: &Order, stop: &AtomicBool) -> io::Result<Outcome> {
    let started = Instant::now();
    let mut pusher = Pusher {
        poll: Poll::new()?,
        schedule: Schedule::new(order.rate, order.limit, order.first),
        writer: Writer::new(order),
        connections: Vec::new(),
        outcome: Outcome::default(),
        refused_connects: 0,
        order,
    };
    pusher.connections.resize_with(order.connections, Connection::default);
    pusher.work(stop)?;
    pusher.outcome.seconds = started.elapsed().as_secs_f64();
    Ok(pusher.outcome)
}

struct Pusher<'a> {
    order: &'a Order,
    poll: Poll,
    schedule: Schedule,
    writer: Writer,
    connections: Vec<Connection>,
    outcome: Outcome,
    refused_connects: u32,
}

impl Pusher<'_> {
    fn work(&mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut ready = mio::Events::with_capacity(256);
        let mut sent = Instant::now() - TICK;
        loop {
            let paced = self.order.mode == Mode::Batch && !self.schedule.is_unlimited();
            if !stop.load(Ordering::Relaxed) && (!paced || sent.elapsed() >= TICK) {
                sent = Instant::now();
                self.send_due();
            }
            let busy = self.connections.iter().any(Connection::is_busy);
            let over = self.schedule.is_over() || stop.load(Ordering::Relaxed);
            if (over && !busy) || self.refused_connects >= MOST_REFUSED_CONNECTS {
                return Ok(());
            }
            let wait = self.schedule.next_due().clamp(TICK / 2, REST);
            match self.poll.poll(&mut ready, Some(if over { REST } else { wait })) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &ready {
                let finished = self.connections[event.token().0].on_ready();
                self.on_finished(event.token().0, finished);
            }
            self.expire();
        }
    }

    /// Gives every connection that is free as many messages as are due.
    fn send_due(&mut self) {
        for index in 0..self.connections.len() {
            if !self.connections[index].is_free() {
                continue;
            }
            let messages = self.schedule.peek(self.order.batch);
            if messages.is_empty() {
                return;
            }
            if !self.connections[index].is_open() && !self.connect(index) {
                continue;
            }
            let count = messages.end - messages.start;
            let request = self.writer.request(messages, &self.schedule);
            self.schedule.advance(count);
            self.outcome.offered += count;
            let finished = self.connections[index].send(request, count);
            self.on_finished(index, finished);
        }
    }

    fn connect(&mut self, index: usize) -> bool {
        let address = self.order.addresses[index % self.order.addresses.len()];
        let connected = self.connections[index].open(address, self.poll.registry(), Token(index));
        match connected {
            Ok(()) => self.refused_connects = 0,
            Err(error) => {
                self.refused_connects += 1;
                self.outcome.refuse(format!("connect to {address}: {error}"), 1);
                self.connections[index].rest(REST);
            }
        }
        self.connections[index].is_open()
    }

    fn expire(&mut self) {
        for index in 0..self.connections.len() {
            let finished = self.connections[index].expire();
            self.on_finished(index, finished);
        }
    }

    fn on_finished(&mut self, index: usize, finished: Option<Finished>) {
        let Some(Finished { messages, answer }) = finished else { return };
        match answer {
            Ok(answer) => {
                let (accepted, why) = answer.verdict(self.order.mode, messages);
                self.outcome.accepted += accepted;
                if accepted < messages {
                    self.outcome.refuse(why, messages - accepted);
                }
                if matches!(answer.status, 429 | 503) {
                    self.connections[index].rest(REST);
                }
            }
            Err(error) => {
                self.outcome.refuse(format!("no answer: {error}"), messages);
                self.connections[index].rest(REST);
            }
        }
    }
}
