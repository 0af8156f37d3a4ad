//! What a worker counts, and how the counts of several workers become one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    arrivals::Arrivals,
    deliveries::{Deliveries, Spread},
    distribution::Distribution,
    proofs::{Proofs, Verdict},
    recalls::Recalls,
    span::Span,
    sum::add,
};
use crate::{
    session::{
        failure::{Failure, Failures},
        stamp::Stamp,
    },
    settings::phase::Phase,
};

/// Everything a worker knows in the end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Tally {
    /// Sessions opened for the first time.
    pub arrivals: Arrivals,
    /// Sessions opened again after they were dropped on purpose.
    pub returns: Arrivals,
    /// Sessions that their server has asked to come back, where they do so.
    #[serde(default)]
    pub recalls: Recalls,
    /// Sessions that were dropped on purpose.
    pub dropped: u64,
    /// Sessions that were still open in the end.
    pub held_to_end: u64,
    /// Those of them that were never to be dropped.
    pub kept_to_end: u64,
    /// Why sessions could not be opened.
    pub failures: Failures,
    /// Why open sessions were lost.
    pub losses: Failures,
    /// This process's memory before and after the ramp, in bytes of RSS.
    pub memory: (u64, u64),
    /// Messages received.
    pub messages: u64,
    /// What those messages turned out to be.
    #[serde(default)]
    pub proofs: Proofs,
    /// Open sessions that were asked in the end whether their server is there.
    #[serde(default)]
    pub asked: u64,
    /// Those whose server has answered.
    #[serde(default)]
    pub answered: u64,
    /// `error` frames received.
    pub refusals: u64,
    /// When messages were received.
    pub receipts: Span,
    /// From when messages were due until they were received.
    pub latency: Distribution,
    /// What came of each phase, in scenarios that have any.
    pub phases: BTreeMap<Phase, Deliveries>,
    /// Each broadcast, by when it was due in microseconds since the epoch.
    pub broadcasts: BTreeMap<u64, Spread>,
    /// Each message to the topic, likewise.
    #[serde(default)]
    pub to_topic: BTreeMap<u64, Spread>,
}

impl Tally {
    /// Sessions that are open now.
    pub(crate) fn open(&self) -> u64 {
        (self.arrivals.held + self.returns.held + self.recalls.returned.held)
            .saturating_sub(self.losses.total())
            .saturating_sub(self.dropped)
            .saturating_sub(self.recalls.asked())
    }

    /// A message has arrived, and was judged. What was not due has no latency.
    pub(crate) fn on_message(&mut self, stamp: Option<Stamp>, verdict: Verdict, now: u64) {
        self.messages += 1;
        self.receipts.add(now);
        self.proofs.count(verdict);
        let Some(stamp) = stamp else { return };
        if matches!(verdict, Verdict::Doubled | Verdict::Misdirected) {
            return;
        }
        let took = now.saturating_sub(stamp.due);
        self.latency.record(took);
        if let Some(phase) = stamp.phase {
            self.phases.entry(phase).or_default().add(took, now);
        }
        if stamp.is_broadcast {
            let spreads = match stamp.phase {
                Some(Phase::Topic) => &mut self.to_topic,
                _ => &mut self.broadcasts,
            };
            let spread = spreads.entry(stamp.due).or_default();
            spread.clients += 1;
            spread.span.add(now);
        }
    }

    /// Adds what another worker counted.
    pub(crate) fn merge(&mut self, other: Self) {
        self.arrivals.merge(other.arrivals);
        self.returns.merge(other.returns);
        self.recalls.merge(other.recalls);
        add(&mut self.dropped, other.dropped);
        add(&mut self.held_to_end, other.held_to_end);
        add(&mut self.kept_to_end, other.kept_to_end);
        self.failures.merge(other.failures);
        self.losses.merge(other.losses);
        add(&mut self.memory.0, other.memory.0);
        add(&mut self.memory.1, other.memory.1);
        add(&mut self.messages, other.messages);
        self.proofs.merge(other.proofs);
        add(&mut self.asked, other.asked);
        add(&mut self.answered, other.answered);
        add(&mut self.refusals, other.refusals);
        self.receipts.merge(other.receipts);
        self.latency.merge(&other.latency);
        for (phase, theirs) in other.phases {
            self.phases.entry(phase).or_default().merge(&theirs);
        }
        merge_spreads(&mut self.broadcasts, other.broadcasts);
        merge_spreads(&mut self.to_topic, other.to_topic);
    }

    /// Sessions of a process that ended before it could report.
    pub(crate) fn of_dead_worker(sessions: u64) -> Self {
        let mut lost = Self::default();
        lost.failures.add(Failure::Worker, sessions);
        lost
    }
}

fn merge_spreads(ours: &mut BTreeMap<u64, Spread>, theirs: BTreeMap<u64, Spread>) {
    for (due, theirs) in theirs {
        let spread = ours.entry(due).or_default();
        add(&mut spread.clients, theirs.clients);
        spread.span.merge(theirs.span);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn several_tallies_become_one() {
        let (mut whole, mut merged) = (Tally::default(), Tally::default());
        for worker in 0..3_u64 {
            let mut part = Tally::default();
            for tally in [&mut part, &mut whole] {
                tally.arrivals.span.add(5);
                tally.arrivals.on_held(5, 1_000_000 * (worker + 1));
                tally.returns.on_held(5, 8_000_000 + worker);
                tally.returns.retried.add(Failure::Status(503), 1);
                let after = Duration::from_millis(500 + worker);
                tally.recalls.on_asked("draining", after, 1_000_000 * worker);
                tally.recalls.returned.on_held(5, 9_000_000 + worker);
                tally.on_message(None, Verdict::Foreign, worker);
                let (due, phase) = (worker % 2, Some(Phase::Drop));
                let stamp = Stamp { due, phase, is_broadcast: true, proof: None };
                tally.on_message(Some(stamp), Verdict::Late, 10 + worker);
                tally.on_message(Some(stamp), Verdict::Doubled, 10 + worker);
                tally.on_message(Some(stamp), Verdict::Misdirected, 10 + worker);
                let to_topic = Stamp { phase: Some(Phase::Topic), ..stamp };
                tally.on_message(Some(to_topic), Verdict::Late, 10 + worker);
                (tally.asked, tally.answered) = (tally.asked + 2, tally.answered + 1);
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
        assert_eq!((merged.to_topic[&0].clients, merged.to_topic[&1].clients), (2, 1));
        assert_eq!((merged.latency.count(), merged.messages), (6, 15));
        assert_eq!(merged.arrivals.span.seconds(), 2.999_995);
        assert_eq!(merged.open(), 3);
        assert_eq!((merged.recalls.asked(), merged.recalls.away()), (3, 0));
        assert_eq!(merged.recalls.pauses, Some((500, 502)));
        assert_eq!(merged.recalls.per_second.len(), 3);
    }
}
