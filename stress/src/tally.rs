//! What a worker counts, and how the counts of several workers become one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{distribution::Distribution, failure::Failures, scan::Stamp};

/// Everything a worker knows in the end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Sessions that were opened.
    pub held: u64,
    /// Sessions that were still open in the end.
    pub held_to_end: u64,
    /// Why sessions could not be opened.
    pub failures: Failures,
    /// Why open sessions were lost.
    pub losses: Failures,
    /// From the start of a connect until the session was held.
    pub connect: Distribution,
    /// When the first connect began and when the last session was held.
    pub ramp: Span,
    /// Sessions opened in each second since the epoch.
    pub per_second: BTreeMap<u64, u64>,
    /// This process's memory before and after the ramp, in bytes of RSS.
    pub memory: (u64, u64),
    /// Messages received.
    pub messages: u64,
    /// `error` frames received.
    pub refusals: u64,
    /// When messages were received.
    pub receipts: Span,
    /// From when messages were due until they were received.
    pub latency: Distribution,
    /// When each broadcast was received.
    pub broadcasts: BTreeMap<u32, Spread>,
}

/// From the first to the last of something, in microseconds since the epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span(Option<(u64, u64)>);

impl Span {
    /// One more.
    pub fn add(&mut self, micros: u64) {
        self.merge(Self(Some((micros, micros))));
    }

    /// Those of another worker.
    pub fn merge(&mut self, other: Self) {
        self.0 = match (self.0, other.0) {
            (Some(mine), Some(theirs)) => Some((mine.0.min(theirs.0), mine.1.max(theirs.1))),
            (mine, theirs) => mine.or(theirs),
        };
    }

    /// From first to last, in seconds.
    pub fn seconds(&self) -> f64 {
        self.0.map_or(0.0, |(first, last)| (last - first) as f64 / 1e6)
    }
}

/// One broadcast.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread {
    /// Clients that received it.
    pub clients: u64,
    /// From the first to the last of them.
    pub span: Span,
}

impl Tally {
    /// A session is open.
    pub fn on_held(&mut self, started: u64, now: u64) {
        self.held += 1;
        self.connect.record(now.saturating_sub(started));
        self.ramp.add(now);
        *self.per_second.entry(now / 1_000_000).or_default() += 1;
    }

    /// A message has arrived.
    pub fn on_message(&mut self, stamp: Option<Stamp>, now: u64) {
        self.messages += 1;
        self.receipts.add(now);
        let Some(stamp) = stamp else { return };
        self.latency.record(now.saturating_sub(stamp.due));
        if let Some(number) = stamp.broadcast {
            let spread = self.broadcasts.entry(number).or_default();
            spread.clients += 1;
            spread.span.add(now);
        }
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: Self) {
        self.held += other.held;
        self.held_to_end += other.held_to_end;
        self.failures.merge(other.failures);
        self.losses.merge(other.losses);
        self.connect.merge(&other.connect);
        self.ramp.merge(other.ramp);
        for (second, count) in other.per_second {
            *self.per_second.entry(second).or_default() += count;
        }
        self.memory.0 += other.memory.0;
        self.memory.1 += other.memory.1;
        self.messages += other.messages;
        self.refusals += other.refusals;
        self.receipts.merge(other.receipts);
        self.latency.merge(&other.latency);
        for (number, theirs) in other.broadcasts {
            let spread = self.broadcasts.entry(number).or_default();
            spread.clients += theirs.clients;
            spread.span.merge(theirs.span);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn several_tallies_become_one() {
        let (mut whole, mut merged) = (Tally::default(), Tally::default());
        for worker in 0..3_u64 {
            let mut part = Tally::default();
            for tally in [&mut part, &mut whole] {
                tally.ramp.add(5);
                tally.on_held(5, 1_000_000 * (worker + 1));
                tally.on_message(None, worker);
                let broadcast = Some(worker as u32 % 2);
                tally.on_message(Some(Stamp { due: 1, broadcast }), 10 + worker);
                tally.failures.add(Failure::Status(503), worker);
                tally.losses.add(Failure::Close(1012), 1);
                tally.held_to_end += 2;
                tally.memory = (tally.memory.0 + 1, tally.memory.1 + worker);
            }
            let text = serde_json::to_string(&part).expect("serializes");
            merged.merge(serde_json::from_str(&text).expect("deserializes"));
        }
        assert_eq!(merged, whole);
        assert_eq!(merged.broadcasts[&0].clients, 2);
        assert_eq!(merged.ramp.seconds(), 2.999_995);
    }
}
