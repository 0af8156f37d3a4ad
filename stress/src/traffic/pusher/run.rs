//! The thread that pushes: gives every connection that is free what is due, and counts answers.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use mio::{Poll, Token};

use super::{
    connection::{Connection, Finished},
    message::Writer,
    order::Order,
    outcome::Outcome,
    schedule::Schedule,
};
use crate::settings::{addresses::HttpServers, phases::Mode};

/// How often a paced batch is sent.
const TICK: Duration = Duration::from_millis(2);
/// How long a connection rests after it broke or was told that there is too much to do.
const REST: Duration = Duration::from_millis(100);
/// After so many refused connects in a row nobody is there.
const MOST_REFUSED_CONNECTS: u32 = 50;

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
            if over && !busy {
                return Ok(());
            }
            if self.refused_connects >= MOST_REFUSED_CONNECTS {
                self.give_up();
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
            if !self.connections[index].is_free() || !self.writer.has_recipients(index) {
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
            let (request, phase) = self.writer.request(messages, &self.schedule, index);
            self.schedule.advance(count);
            self.outcome.offer(count, phase);
            let finished = self.connections[index].send(request, count);
            self.on_finished(index, finished);
        }
    }

    fn connect(&mut self, index: usize) -> bool {
        let HttpServers { addresses, peer, .. } = &self.order.servers;
        let address = addresses[index % addresses.len()];
        let (registry, token) = (self.poll.registry(), Token(index));
        let connected = self.connections[index].open(address, peer.as_ref(), registry, token);
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

    /// Nobody is there any more: what was to be pushed all the same counts as refused.
    fn give_up(&mut self) {
        self.outcome.gave_up = true;
        let unsent = self.schedule.unsent();
        if unsent > 0 {
            self.outcome.offer(unsent, None);
            self.outcome.refuse("not sent, since nobody took pushes any more".into(), unsent);
        }
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
                let (accepted, refused) = answer.verdict(self.order.mode, messages);
                self.outcome.accepted += accepted;
                for (why, count) in refused {
                    self.outcome.refuse(why, count);
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
