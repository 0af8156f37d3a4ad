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
        recalls::RecallsReport,
        received::Received,
        sessions::SessionsReport,
        storms::StormReport,
        verdict::{Finding, findings, is_success},
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
    /// What was not as it should be.
    pub findings: Vec<Finding>,
    /// The sessions.
    pub sessions: SessionsReport,
    /// Why sessions could not be opened.
    pub failures: Vec<FailureReport>,
    /// Why sessions failed to open at first, and were tried again.
    pub retried: Vec<FailureReport>,
    /// Why sessions were lost.
    pub losses: Vec<FailureReport>,
    /// Sessions that their server has asked to come back; nothing where there was none.
    pub recalls: Option<RecallsReport<'a>>,
    /// What clients received; nothing if nothing came.
    pub received: Option<Received>,
    /// Messages in each phase, in scenarios that have any.
    pub phases: BTreeMap<Phase, PhaseReport>,
    /// Messages that went to everybody.
    pub broadcasts: Option<Broadcasts>,
    /// Messages to the topic in the tokens.
    pub to_topic: Option<Broadcasts>,
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
            findings: findings(record),
            sessions: SessionsReport::new(record),
            failures: FailureReport::all(&tally.failures, &record.limits),
            retried: FailureReport::all(&retried(tally), &record.limits),
            losses: FailureReport::all(&tally.losses, &record.limits),
            recalls: RecallsReport::new(record),
            received: Received::new(record),
            phases: phases(record),
            broadcasts: Broadcasts::new(tally.broadcasts.values()),
            to_topic: Broadcasts::new(tally.to_topic.values()),
            pushes: record.pushes.as_ref().map(PushReport::new),
            storms: record.storms.iter().map(StormReport::new).collect(),
            probes: record.probes.iter().map(|(what, it)| ProbeReport::new(what, it)).collect(),
            memory: MemoryReport::new(record),
            record,
        }
    }

    /// Whether nothing failed: every session was held to the end and its server answered on it, and
    /// every message arrived where it had to, in order, once, as far as no loss is allowed.
    pub(crate) fn is_success(&self) -> bool {
        is_success(&self.findings)
    }

    /// The result in a few words.
    pub(crate) fn result(&self) -> &'static str {
        match (self.is_success(), self.findings.is_empty()) {
            (false, _) => "failed",
            (true, false) => "well, with warnings",
            (true, true) => "all well",
        }
    }
}
