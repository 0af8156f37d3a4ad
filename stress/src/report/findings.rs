//! What a run found: a value for `--json`, a page for people, and whether all went well.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    record::Record,
    sections::{
        broadcasts::Broadcasts,
        failures::{FailureReport, retried},
        memory::MemoryReport,
        phases::{PhaseReport, phases},
        probes::ProbeReport,
        pushes::PushReport,
        received::Received,
        sessions::SessionsReport,
        storms::StormReport,
    },
};
use crate::settings::phase::Phase;

/// What a run found.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report<'a> {
    /// `idle`, `push`, `storm` or `probe`; several if runs were merged.
    pub scenario: &'a str,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// The sessions.
    pub sessions: SessionsReport,
    /// Why sessions could not be opened.
    pub failures: Vec<FailureReport>,
    /// Why sessions failed to open at first, and were tried again.
    pub retried: Vec<FailureReport>,
    /// Why sessions were lost.
    pub losses: Vec<FailureReport>,
    /// What clients received; nothing if nothing came.
    pub received: Option<Received>,
    /// Messages in each phase, in scenarios that have any.
    pub phases: BTreeMap<Phase, PhaseReport>,
    /// Messages that went to everybody.
    pub broadcasts: Option<Broadcasts>,
    /// What was pushed.
    pub pushes: Option<PushReport>,
    /// Sessions dropped at once and what came back, by run.
    pub storms: Vec<StormReport<'a>>,
    /// Other traffic.
    pub probes: Vec<ProbeReport<'a>>,
    /// The largest figures of the time line.
    pub memory: MemoryReport,
    /// What all this follows from, in the form that `stress merge` adds up.
    pub record: &'a Record,
}

impl<'a> Report<'a> {
    /// Makes sense of the counts.
    pub(crate) fn new(record: &'a Record) -> Self {
        let tally = &record.tally;
        Self {
            scenario: &record.scenario,
            interrupted: record.interrupted,
            sessions: SessionsReport::new(record),
            failures: FailureReport::all(&tally.failures, &record.limits),
            retried: FailureReport::all(&retried(tally), &record.limits),
            losses: FailureReport::all(&tally.losses, &record.limits),
            received: Received::new(tally),
            phases: phases(record),
            broadcasts: Broadcasts::new(tally.broadcasts.values()),
            pushes: record.pushes.as_ref().map(PushReport::new),
            storms: record.storms.iter().map(StormReport::new).collect(),
            probes: record.probes.iter().map(|(what, it)| ProbeReport::new(what, it)).collect(),
            memory: MemoryReport::new(record),
            record,
        }
    }

    /// Whether every session was held to the end and every accepted message arrived.
    pub(crate) fn is_success(&self) -> bool {
        let arrived = self.pushes.as_ref().is_none_or(|it| {
            it.missing.unwrap_or_default() == 0 && (it.outcome.is_clean() || it.expected.is_none())
        });
        self.sessions.held_to_end == self.sessions.asked && arrived
    }
}
