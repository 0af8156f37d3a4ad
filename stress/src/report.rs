//! What a run found: a value for `--json`, a page for people, and whether all went well.

use std::{fs, io, path::Path};

use serde::Serialize;

use crate::{
    distribution::Quantiles,
    failure::Failures,
    pusher::Outcome,
    tally::{Spread, Tally},
};

mod summary;

/// Deliveries up to this are on time.
const ON_TIME_MICROS: u64 = 200_000;

/// What a run found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// `idle` or `push`.
    pub scenario: &'static str,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// The sessions.
    pub sessions: SessionsReport,
    /// Why sessions could not be opened.
    pub failures: Vec<FailureReport>,
    /// Why sessions were lost.
    pub losses: Vec<FailureReport>,
    /// What clients received; nothing if nothing came.
    pub received: Option<Received>,
    /// Messages that went to everybody.
    pub broadcasts: Option<Broadcasts>,
    /// What was pushed.
    pub pushes: Option<PushReport>,
}

/// The sessions of a run.
#[derive(Debug, Clone, Serialize)]
pub struct SessionsReport {
    /// How many were asked for.
    pub asked: u64,
    /// How many were opened.
    pub held: u64,
    /// How many were still open in the end.
    pub held_to_end: u64,
    /// Processes that held them.
    pub processes: usize,
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
pub struct FailureReport {
    /// By errno, HTTP status or close code.
    pub what: String,
    /// How often.
    pub count: u64,
    /// The limit that is usually behind it.
    pub limit: Option<&'static str>,
}

/// What clients received.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
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
pub struct Broadcasts {
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
pub struct PushReport {
    /// What pusher-api said.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// Messages accepted per second, from the first request to the last answer.
    pub accepted_per_second: f64,
    /// Messages that had to arrive.
    pub expected: u64,
    /// Those that did not. Below zero if some came twice.
    pub missing: i64,
}

impl Report {
    /// Makes sense of the counts.
    pub fn new(scenario: &'static str, asked: u64, processes: usize, tally: &Tally) -> Self {
        let ramp_seconds = tally.ramp.seconds();
        let (before, after) = tally.memory;
        let held = tally.held.max(1) as f64;
        Self {
            scenario,
            interrupted: false,
            sessions: SessionsReport {
                asked,
                held: tally.held,
                held_to_end: tally.held_to_end,
                processes,
                ramp_seconds,
                per_second: rate(tally.held, ramp_seconds),
                best_second: tally.per_second.values().copied().max().unwrap_or_default(),
                client_bytes_per_session: after.saturating_sub(before) as f64 / held,
                connect: tally.connect.quantiles(),
            },
            failures: failures(&tally.failures),
            losses: failures(&tally.losses),
            received: received(tally),
            broadcasts: broadcasts(tally.broadcasts.values()),
            pushes: None,
        }
    }

    /// Adds what was pushed, and how much of it had to arrive.
    pub fn with_pushes(mut self, outcome: Outcome, expected: u64, messages: u64) -> Self {
        self.pushes = Some(PushReport {
            accepted_per_second: rate(outcome.accepted, outcome.seconds),
            expected,
            missing: expected as i64 - messages as i64,
            outcome,
        });
        self
    }

    /// Whether every session was held to the end and every accepted message arrived.
    pub fn is_success(&self) -> bool {
        let arrived =
            self.pushes.as_ref().is_none_or(|it| it.missing == 0 && it.outcome.is_clean());
        self.sessions.held_to_end == self.sessions.asked && arrived
    }

    /// Writes the report as JSON; a reader sees the old file or the new one, never a part.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_json(&self, file: &Path) -> io::Result<()> {
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = file.with_file_name(name);
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&part, text).and_then(|()| fs::rename(&part, file)).inspect_err(|_| {
            let _ = fs::remove_file(&part);
        })
    }
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

fn failures(failures: &Failures) -> Vec<FailureReport> {
    let row = |(failure, count): (&crate::failure::Failure, u64)| FailureReport {
        what: failure.to_string(),
        count,
        limit: failure.limit(),
    };
    failures.iter().map(row).collect()
}

fn received(tally: &Tally) -> Option<Received> {
    let seconds = tally.receipts.seconds();
    let latency = tally.latency.quantiles();
    (tally.messages + tally.refusals > 0).then(|| Received {
        messages: tally.messages,
        seconds,
        per_second: rate(tally.messages, seconds),
        refusals: tally.refusals,
        latency,
        share_within_200_ms: latency.map(|_| tally.latency.share_within(ON_TIME_MICROS)),
    })
}

fn broadcasts<'a>(spreads: impl Iterator<Item = &'a Spread>) -> Option<Broadcasts> {
    let spreads: Vec<_> = spreads.collect();
    let mut seconds: Vec<_> = spreads.iter().map(|spread| spread.span.seconds()).collect();
    seconds.sort_unstable_by(f64::total_cmp);
    Some(Broadcasts {
        count: spreads.len(),
        fewest_clients: spreads.iter().map(|spread| spread.clients).min()?,
        min_seconds: *seconds.first()?,
        median_seconds: seconds[seconds.len() / 2],
        max_seconds: *seconds.last()?,
    })
}
