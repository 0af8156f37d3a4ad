//! What becomes of lines: once there is an answer, or none, or their time is over.

use std::time::{Duration, Instant};

use super::{Batch, Lane};
use crate::push::{
    counters::add,
    exchange::Outcome,
    given_up::Why,
    queue::{Chunk, Entry, lines},
    report::{Fate, Rejection, Report},
    settings::Settings,
};

/// For so long a process, or a store, remembers ids.
const REMEMBERED: Duration = Duration::from_secs(300);
/// How long before that a process is not asked any more to know one again: a request takes its time.
const MARGIN: Duration = Duration::from_secs(30);

impl Lane {
    /// The batch on its way has come to this.
    pub(super) fn on_outcome(&mut self, outcome: Outcome) {
        let Some(batch) = self.sending.take() else { return };
        if !matches!(outcome, Outcome::NotSent(_)) {
            self.count_sent(&batch);
        }
        match outcome {
            Outcome::Reported(report) => self.on_report(batch, &report),
            Outcome::NotSent(told) => self.fail(batch, told, |_| {}),
            Outcome::NotTaken(told) => self.fail(batch, told, |entry| entry.was_sent = true),
            Outcome::OtherProcess { is_gone } => {
                self.fail(batch, None, |entry| entry.was_sent = true);
                if is_gone {
                    let bound = self.again.take_if(Entry::is_bound);
                    bound.iter().for_each(|(entry, line)| self.give_up(entry, *line, Why::Unknown));
                }
            }
            Outcome::Refused { status, detail } => {
                self.rests.reset();
                for (entry, line) in lines(&batch.lines, batch.entries) {
                    let (detail, pointer) = (detail.clone(), None);
                    self.give_up(&entry, line.len(), Why::Refused { status, detail, pointer });
                }
            }
            Outcome::Unknown { was_named } => self.on_lost(batch, was_named),
        }
    }

    fn on_report(&mut self, batch: Batch, report: &Report) {
        let Batch { lines: bytes, entries, has_again, begun } = batch;
        let (count, mut is_refused) = (entries.len(), false);
        let (mut taken, mut freed) = (0, 0);
        let mut lines = lines(&bytes, entries);
        for (places, fate) in report.fates(count) {
            for (mut entry, line) in lines.by_ref().take(places.count()) {
                match fate {
                    Fate::Taken => {
                        taken += 1;
                        freed += entry.bytes(line.len());
                    }
                    Fate::Rejected(rejection) if rejection.status != 503 => {
                        self.give_up(&entry, line.len(), refusal(rejection));
                    }
                    Fate::Rejected(_) | Fate::Unread => {
                        // It may be kept already for some of its users.
                        if !entry.is_live() && fate != Fate::Unread {
                            entry.uncertain_since.get_or_insert(begun);
                        }
                        entry.was_sent = true;
                        is_refused = true;
                        self.again.add(entry, line);
                    }
                }
            }
        }
        self.shared.accept(taken, freed);
        self.rests.reset();
        self.put_off(has_again, is_refused, report.retry_after);
    }

    /// When lines are tried again that were refused for now. Those that wait already are not put off by others.
    fn put_off(&mut self, has_again: bool, is_refused: bool, told: Option<u64>) {
        let now = Instant::now();
        if has_again && !is_refused {
            self.waits.reset();
        }
        if is_refused && (has_again || self.again_at <= now) {
            self.again_at = now + self.waits.next(told.map(Duration::from_secs));
        }
    }

    /// The answer was lost. What only one process can know is given up where it is not known which.
    fn on_lost(&mut self, batch: Batch, was_named: bool) {
        let begun = batch.begun;
        let mut lost = Vec::new();
        let Batch { lines: bytes, entries, .. } = batch;
        for (mut entry, line) in lines(&bytes, entries) {
            if entry.is_live() && !was_named {
                lost.push((entry, line.len()));
                continue;
            }
            entry.uncertain_since.get_or_insert(begun);
            entry.was_sent = true;
            self.again.add(entry, line);
        }
        lost.iter().for_each(|(entry, line)| self.give_up(entry, *line, Why::Unknown));
        self.rest_for(None);
    }

    /// All of a batch is to be sent again, after a rest.
    fn fail(&mut self, batch: Batch, told: Option<Duration>, change: impl Fn(&mut Entry)) {
        for (mut entry, line) in lines(&batch.lines, batch.entries) {
            change(&mut entry);
            self.again.add(entry, line);
        }
        self.rest_for(told);
    }

    fn rest_for(&mut self, told: Option<Duration>) {
        add(&self.shared.tallies.failed_requests, 1);
        let now = Instant::now();
        self.rest_until = Some(now + self.rests.next(told));
        self.again_at = now;
    }

    fn count_sent(&self, batch: &Batch) {
        let tallies = &self.shared.tallies;
        add(&tallies.sent, batch.entries.len());
        add(&tallies.sent_bytes, batch.lines.len());
        if !batch.has_again {
            return;
        }
        let is_late = |entry: &&Entry| {
            let since = entry.uncertain_since.filter(|_| !entry.is_live());
            since.is_some_and(|since| batch.begun.duration_since(since) >= REMEMBERED)
        };
        add(&tallies.retried, batch.entries.iter().filter(|entry| entry.was_sent).count());
        add(&tallies.retried_late, batch.entries.iter().filter(is_late).count());
    }

    /// Gives up what has waited for too long, wherever it waits.
    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        let settings = &self.shared.settings;
        let over = self.queue.take_if(|entry| is_over(settings, entry, now));
        over.iter().for_each(|(entry, line)| self.give_up(entry, *line, Why::OutOfTime));
        self.expire_again();
    }

    /// The same of what is to be sent again.
    pub(super) fn expire_again(&mut self) {
        let now = Instant::now();
        let settings = &self.shared.settings;
        let over = self.again.take_if(|entry| is_over(settings, entry, now));
        over.iter().for_each(|(entry, line)| self.give_up(entry, *line, Why::OutOfTime));
    }

    /// Lines without those that have waited for too long.
    pub(super) fn in_time(&self, chunk: Chunk) -> Chunk {
        let (now, settings) = (Instant::now(), &self.shared.settings);
        if !chunk.entries.iter().any(|entry| is_over(settings, entry, now)) {
            return chunk;
        }
        let mut left = Chunk::default();
        for (entry, line) in lines(&chunk.bytes, chunk.entries) {
            match is_over(settings, &entry, now) {
                true => self.give_up(&entry, line.len(), Why::OutOfTime),
                false => left.add(entry, line),
            }
        }
        left
    }

    /// Gives up everything.
    pub(super) fn abandon(&mut self) {
        if let Some(Batch { lines: bytes, entries, .. }) = self.sending.take() {
            let why = if self.exchange.is_sending() { Why::Unknown } else { Why::Closed };
            for (entry, line) in lines(&bytes, entries) {
                self.give_up(&entry, line.len(), why.clone());
            }
        }
        let left = [self.again.take_if(|_| true), self.queue.take_if(|_| true)];
        for (entry, line) in left.iter().flatten() {
            self.give_up(entry, *line, Why::Closed);
        }
    }

    /// A push is given up for this reason, unless it may have arrived.
    fn give_up(&self, entry: &Entry, line: usize, why: Why) {
        let is_refused = matches!(why, Why::Refused { .. });
        let why = if entry.uncertain_since.is_some() && !is_refused { Why::Unknown } else { why };
        self.shared.give_up(entry, line, why);
    }
}

/// Whether a line has waited for too long.
fn is_over(settings: &Settings, entry: &Entry, now: Instant) -> bool {
    let waited = now.saturating_duration_since(entry.queued);
    if !entry.is_live() {
        return waited >= settings.give_up_after.min(Duration::from_secs(entry.ttl.into()));
    }
    let is_forgotten = |since: Instant| now.saturating_duration_since(since) >= REMEMBERED - MARGIN;
    waited >= settings.live_for || entry.uncertain_since.is_some_and(is_forgotten)
}

fn refusal(rejection: &Rejection) -> Why {
    let Rejection { status, detail, pointer, .. } = rejection.clone();
    Why::Refused { status, detail, pointer }
}
