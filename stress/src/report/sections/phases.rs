//! Messages by phase, in scenarios that have any.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{pushes::PushReport, received::ON_TIME_MICROS};
use crate::{
    measurements::{deliveries::Deliveries, quantiles::Quantiles},
    report::{numbers::rate, pushed::Pushed, record::Record},
    settings::phase::Phase,
};

/// Messages of one phase.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PhaseReport {
    /// Messages received.
    pub messages: u64,
    /// Messages per second between the first and the last.
    pub per_second: f64,
    /// From when they were due.
    pub latency: Option<Quantiles>,
    /// The share received within 200 ms, from 0 to 1, of all that were due where that is known.
    pub share_within_200_ms: f64,
    /// What was pushed in it, where phases of pushes follow each other.
    pub pushes: Option<PushReport>,
}

impl PhaseReport {
    fn new(
        Deliveries { latency, receipts }: &Deliveries,
        pushed: Option<&Pushed>,
        due: Option<u64>,
    ) -> Self {
        Self {
            messages: latency.count(),
            per_second: rate(latency.count(), receipts.seconds()),
            latency: latency.quantiles(),
            share_within_200_ms: latency.share_within(ON_TIME_MICROS, due),
            pushes: pushed.map(PushReport::new),
        }
    }
}

/// Every phase in which something was received or pushed.
pub(crate) fn phases(record: &Record) -> BTreeMap<Phase, PhaseReport> {
    let (received, pushed) = (&record.tally.phases, &record.phases);
    let nothing = Deliveries::default();
    let all = record.pushes.as_ref();
    let report = |phase: &Phase| {
        let received = received.get(phase).unwrap_or(&nothing);
        let pushed = pushed.get(phase);
        // In a storm one order goes through all phases, each message for one user.
        let offered = || {
            let offered = all?.outcome.offered_in.get(phase).copied()?;
            // Who was away was so in this phase.
            let missed = if *phase == Phase::Return { all?.missed } else { 0 };
            Some(offered.saturating_sub(missed))
        };
        let due = pushed.map_or_else(offered, Pushed::due_to_somebody);
        (*phase, PhaseReport::new(received, pushed, due))
    };
    received.keys().chain(pushed.keys()).map(report).collect()
}

/// The line of one phase; nothing if nothing was received in it.
pub(crate) fn show_phase(f: &mut fmt::Formatter<'_>, phase: &str, it: &PhaseReport) -> fmt::Result {
    let PhaseReport { messages, per_second, latency, share_within_200_ms, .. } = it;
    let Some(latency) = latency else { return Ok(()) };
    let share = share_within_200_ms * 100.0;
    writeln!(
        f,
        "  {phase:<10} {messages} messages, {per_second:.0}/s; {latency}; {share:.3} % within 200 ms"
    )
}
