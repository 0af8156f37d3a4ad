//! What a run found: a value for `--json`, a page for people, and whether all went well.

use std::{collections::BTreeMap, fs, io, path::Path};

use serde::Serialize;

use super::{Record, counts, html};
use crate::{
    measurements::{Quantiles, Storm},
    settings::Phase,
    traffic::pusher::Outcome,
};

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

/// The sessions of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SessionsReport {
    /// How many were asked for.
    pub asked: u64,
    /// How many were opened.
    pub held: u64,
    /// How many the server refused to the end: by status, close code or reset.
    pub refused: u64,
    /// How many were still open in the end.
    pub held_to_end: u64,
    /// Processes that held them.
    pub processes: u64,
    /// From the first connect to the last session held.
    pub ramp_seconds: f64,
    /// Sessions opened per second over the whole ramp.
    pub per_second: f64,
    /// Sessions opened in the best second.
    pub best_second: u64,
    /// This client's memory per session, in bytes of RSS.
    pub client_bytes_per_session: f64,
    /// From the start of a connect until the session was held.
    pub connect: Option<Quantiles>,
}

/// One way to fail.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FailureReport {
    /// By errno, HTTP status or close code.
    pub what: String,
    /// How often.
    pub count: u64,
    /// The limit that is usually behind it.
    pub limit: Option<String>,
}

/// What clients received.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Received {
    /// Messages.
    pub messages: u64,
    /// From the first to the last.
    pub seconds: f64,
    /// Messages per second between the first and the last.
    pub per_second: f64,
    /// `error` frames.
    pub refusals: u64,
    /// From when they were due; nothing if the messages do not say.
    pub latency: Option<Quantiles>,
    /// The share received within 200 ms, from 0 to 1.
    pub share_within_200_ms: Option<f64>,
}

/// Messages that went to everybody.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Broadcasts {
    /// How many.
    pub count: usize,
    /// Clients that the worst of them reached.
    pub fewest_clients: u64,
    /// From the first to the last client, in the fastest broadcast.
    pub min_seconds: f64,
    /// In the median one.
    pub median_seconds: f64,
    /// In the slowest one.
    pub max_seconds: f64,
}

/// What was pushed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PushReport {
    /// What pusher-api said.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Messages accepted per second, from the first request to the last answer.
    pub accepted_per_second: f64,
    /// Messages that had to arrive; nothing where that cannot be known.
    pub expected: Option<u64>,
    /// Those that did not. Below zero if some came twice.
    pub missing: Option<i64>,
}

/// Messages of one phase.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct PhaseReport {
    /// Messages received.
    pub messages: u64,
    /// Messages per second between the first and the last.
    pub per_second: f64,
    /// From when they were due.
    pub latency: Option<Quantiles>,
    /// The share received within 200 ms, from 0 to 1.
    pub share_within_200_ms: f64,
    /// What was pushed in it, where phases of pushes follow each other.
    pub pushes: Option<PushReport>,
}

/// One storm.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct StormReport<'a> {
    /// What was measured.
    #[serde(flatten)]
    pub storm: &'a Storm,
    /// The gateways' memory a while after the drop, as a multiple of what it was before those
    /// sessions came.
    pub gateway_memory_ratio: Option<f64>,
}

/// Other traffic of one kind.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ProbeReport<'a> {
    /// What was probed.
    pub what: &'a str,
    /// Probes sent.
    pub sent: u64,
    /// Those without an answer.
    pub lost: u64,
    /// The same by reason.
    pub lost_by: &'a BTreeMap<String, u64>,
    /// From when a probe was due until its answer.
    pub latency: Option<Quantiles>,
    /// The share of all probes that was answered within 200 ms, from 0 to 1.
    pub share_within_200_ms: Option<f64>,
    /// Why there are none.
    pub unavailable: Option<&'a str>,
}

/// The largest figures of the time line.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct MemoryReport {
    /// Sessions that the gateways say they held.
    pub gateway_sessions: Option<u64>,
    /// Their memory, in bytes of RSS.
    pub gateway_bytes: Option<u64>,
    /// What that grew by for each session.
    pub gateway_bytes_per_session: Option<f64>,
    /// What the kernel's memory grew by, in bytes: both ends of every connection on this machine.
    pub kernel_growth_bytes: u64,
    /// This client's, in bytes of RSS.
    pub client_bytes: u64,
}

impl<'a> Report<'a> {
    /// Makes sense of the counts.
    pub(crate) fn new(record: &'a Record) -> Self {
        let tally = &record.tally;
        Self {
            scenario: &record.scenario,
            interrupted: record.interrupted,
            sessions: counts::sessions(record),
            failures: counts::failures(&tally.failures, &record.limits),
            retried: counts::failures(&counts::retried(tally), &record.limits),
            losses: counts::failures(&tally.losses, &record.limits),
            received: counts::received(tally),
            phases: counts::phases(record),
            broadcasts: counts::broadcasts(tally.broadcasts.values()),
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

    /// Writes the report as JSON; a reader sees the old file or the new one, never a part.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_json(&self, file: &Path) -> io::Result<()> {
        replace(file, serde_json::to_string_pretty(self)? + "\n")
    }

    /// Writes the report as a page with plots, in the same way.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_html(&self, file: &Path) -> io::Result<()> {
        replace(file, self.page())
    }

    /// The report as a page.
    pub(crate) fn page(&self) -> String {
        html::page(self)
    }
}

/// The page that `stress merge --html` makes of the bytes of one report, merged with itself.
///
/// # Errors
/// Names the field that is wrong.
pub fn page_of_report(bytes: &[u8]) -> Result<String, String> {
    let mut record = Record::from_report(bytes)?;
    record.merge(record.clone());
    Ok(Report::new(&record).page())
}

fn replace(file: &Path, text: String) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = file.with_file_name(name);
    fs::write(&part, text).and_then(|()| fs::rename(&part, file)).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}
