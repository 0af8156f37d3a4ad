//! What sends the lines of one queue: a batch after the other, never two at a time, so that each recipient's lines
//! keep their order.

mod settling;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::{
    sync::watch,
    time::{sleep, sleep_until},
};

use super::{
    again::Again,
    exchange::{Body, Exchange},
    pauses::Pauses,
    queue::{Chunk, Entry, Queue, lines},
    shared::Shared,
};

/// While nothing can be sent, it is looked so often whose time is over.
const LOOK: Duration = Duration::from_secs(1);
/// The number of no line: all are settled.
pub(super) const ALL: u64 = u64::MAX;

/// Sends the lines of one queue.
pub(super) struct Lane {
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    exchange: Exchange,
    again: Again,
    /// When lines that were refused for now are tried again.
    again_at: Instant,
    /// Nothing is sent before.
    rest_until: Option<Instant>,
    /// How long to rest after a request that failed.
    rests: Pauses,
    /// How long lines wait that were refused for now.
    waits: Pauses,
    sending: Option<Batch>,
    /// The number before which every line is settled.
    settled: watch::Sender<u64>,
}

impl Drop for Lane {
    /// Also when the runtime is shut down: nothing goes without a word.
    fn drop(&mut self) {
        self.queue.close();
        self.abandon();
        self.settled.send_replace(ALL);
    }
}

/// Lines on their way.
struct Batch {
    lines: Bytes,
    entries: Vec<Entry>,
    /// Whether some are tried again.
    has_again: bool,
    begun: Instant,
}

impl Lane {
    pub(super) fn new(
        shared: Arc<Shared>,
        queue: Arc<Queue>,
        exchange: Exchange,
        settled: watch::Sender<u64>,
    ) -> Self {
        let pauses = || Pauses::new(shared.settings.longest_pause);
        let (rests, waits) = (pauses(), pauses());
        Self {
            shared,
            queue,
            exchange,
            again: Again::default(),
            again_at: Instant::now(),
            rest_until: None,
            rests,
            waits,
            sending: None,
            settled,
        }
    }

    /// Sends until it is told to stop; what is left then is given up as this is dropped.
    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        tokio::select! {
            // A client that is gone wants it to stop, too.
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        loop {
            self.say_settled();
            self.rest().await;
            match self.next_batch() {
                None => self.wait().await,
                Some(batch) => {
                    let body = Body {
                        lines: batch.lines.clone(),
                        count: batch.entries.len(),
                        is_live: batch.entries.iter().any(Entry::is_live),
                    };
                    let is_bound =
                        self.again.is_bound() || batch.entries.iter().any(Entry::is_bound);
                    self.sending = Some(batch);
                    let outcome = self.exchange.send(body, is_bound).await;
                    self.on_outcome(outcome);
                }
            }
        }
    }

    /// Tells those who wait how far it is.
    fn say_settled(&self) {
        let first = self.queue.first();
        let first = self.again.first().map_or(first, |again| again.min(first));
        self.settled.send_if_modified(|known| std::mem::replace(known, first) != first);
    }

    async fn rest(&mut self) {
        while let Some(until) = self.rest_until {
            self.expire();
            self.say_settled();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.rest_until = None;
            }
            sleep(left.min(LOOK)).await;
        }
    }

    /// Waits until there is something to send.
    async fn wait(&mut self) {
        match self.again.is_empty() {
            true => self.queue.changed().await,
            false => tokio::select! {
                () = self.queue.changed() => {}
                () = sleep_until(self.again_at.into()) => {}
            },
        }
    }

    /// What is to be sent next: first what is tried again, then what waits and overtakes nothing of it.
    fn next_batch(&mut self) -> Option<Batch> {
        let most = self.shared.settings.batch;
        let mut chunk = Chunk::default();
        if !self.again.is_empty() {
            self.expire_again();
        }
        if Instant::now() >= self.again_at {
            self.again.take(most, &mut chunk);
        }
        let has_again = !chunk.entries.is_empty();
        while let Some(next) = self.queue.take_behind(&chunk, most) {
            let next = self.in_time(next);
            match chunk.entries.is_empty() && self.again.is_empty() {
                true => chunk = next,
                false => self.append(next, &mut chunk),
            }
            if !chunk.entries.is_empty() {
                break;
            }
        }
        let Chunk { bytes, entries } = chunk;
        let begun = Instant::now();
        (!entries.is_empty()).then(|| Batch { lines: bytes.into(), entries, has_again, begun })
    }

    /// Puts lines behind others, or, where they would overtake one that waits, with those.
    fn append(&mut self, next: Chunk, chunk: &mut Chunk) {
        for (entry, line) in lines(&next.bytes, next.entries) {
            match self.again.holds(&entry.recipient) {
                true => self.again.add(entry, line),
                false => chunk.add(entry, line),
            }
        }
    }
}
