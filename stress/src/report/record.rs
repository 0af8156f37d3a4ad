//! What a run counted, in the form that can be added up: it stands in every JSON report, so that
//! the reports of several runs or hosts become one.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs, io,
    path::Path,
};

use limits::symptom::Evidence;
use serde::{Deserialize, Serialize};

use super::pushed::Pushed;
use crate::{
    measurements::{
        asked::AskedRate, probed::Probed, storm::Storm, sum::add, tally::Tally, timeline::Timeline,
    },
    session::failure::Failures,
    settings::{phase::Phase, tolerance::Tolerance},
};

/// The form this program writes.
const FORM: u32 = 2;
/// The form of before, which this program reads, too: its messages were counted, and not proved.
const UNPROVED_FORM: u32 = 1;
/// How a report on one line begins, as `--json -` writes it: with its first field.
const LINE: &[u8] = br#"{"scenario":"#;
/// The largest file of reports that is read.
const MAX_FILE_BYTES: u64 = 256 << 20;

/// What is forgiven, in shares from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Allowed {
    /// Of what had to arrive, or to be answered.
    pub missing: f64,
    /// Of what was offered to pusher-api.
    pub refused: f64,
}

impl Default for Allowed {
    fn default() -> Self {
        Self { missing: 0.0, refused: 0.01 }
    }
}

impl From<Tolerance> for Allowed {
    fn from(given: Tolerance) -> Self {
        Self { missing: given.allow_missing, refused: given.allow_refused }
    }
}

impl Allowed {
    fn stricter(self, other: Self) -> Self {
        let Self { missing, refused } = other;
        Self { missing: self.missing.min(missing), refused: self.refused.min(refused) }
    }
}

/// What a run counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Tells this form from others.
    pub form: u32,
    /// `idle`, `push`, `storm` or `probe`; several if runs were merged.
    pub scenario: String,
    /// Whether it was ended before its time.
    pub interrupted: bool,
    /// Sessions that were asked for.
    pub asked: u64,
    /// Processes that held them.
    pub processes: u64,
    /// What is forgiven.
    #[serde(default)]
    pub allowed: Allowed,
    /// The rate at which sessions were to be opened.
    #[serde(default)]
    pub rate: Option<AskedRate>,
    /// What the workers counted.
    pub tally: Tally,
    /// The limit behind each failure that has one, as far as its machine could tell.
    pub limits: BTreeMap<String, String>,
    /// What was pushed.
    pub pushes: Option<Pushed>,
    /// The same by phase, where phases of pushes follow each other.
    pub phases: BTreeMap<Phase, Pushed>,
    /// Sessions dropped at once, one entry per run.
    pub storms: Vec<Storm>,
    /// Other traffic, by its kind.
    pub probes: BTreeMap<String, Probed>,
    /// What was seen over time, one entry per run.
    pub timelines: Vec<Timeline>,
}

impl Record {
    /// An empty one.
    pub(crate) fn new(scenario: &str, asked: u64, processes: u64) -> Self {
        Self {
            form: FORM,
            scenario: scenario.to_owned(),
            interrupted: false,
            asked,
            processes,
            allowed: Allowed::default(),
            rate: None,
            tally: Tally::default(),
            limits: BTreeMap::new(),
            pushes: None,
            phases: BTreeMap::new(),
            storms: Vec::new(),
            probes: BTreeMap::new(),
            timelines: Vec::new(),
        }
    }

    /// Names the limits behind the failures counted so far, with what this machine shows.
    pub(crate) fn name_limits(&mut self, evidence: &Evidence) {
        let Tally { failures, losses, arrivals, returns, recalls, .. } = &self.tally;
        let retried = [arrivals, returns, &recalls.returned].map(|of| &of.retried);
        let kinds = [failures, losses].into_iter().chain(retried);
        let counted = kinds.flat_map(Failures::iter);
        let named = counted
            .filter_map(|(failure, _)| Some((failure.to_string(), failure.limit(evidence)?)));
        self.limits = named.collect();
    }

    /// Whether each of its messages was proved, not only counted.
    pub(crate) fn is_proved(&self) -> bool {
        self.form == FORM
    }

    /// Adds another run, or another host's part of the same.
    pub(crate) fn merge(&mut self, other: Self) {
        if !self.scenario.split(" + ").any(|known| known == other.scenario) {
            self.scenario = format!("{} + {}", self.scenario, other.scenario);
        }
        self.form = self.form.min(other.form);
        self.interrupted |= other.interrupted;
        self.allowed = self.allowed.stricter(other.allowed);
        self.rate = AskedRate::worst(self.rate, other.rate);
        add(&mut self.asked, other.asked);
        add(&mut self.processes, other.processes);
        self.tally.merge(other.tally);
        for (failure, limit) in other.limits {
            self.limits.entry(failure).or_insert(limit);
        }
        self.pushes = match (self.pushes.take(), other.pushes) {
            (Some(mut mine), Some(theirs)) => {
                mine.merge(theirs);
                Some(mine)
            }
            (mine, theirs) => mine.or(theirs),
        };
        for (phase, theirs) in other.phases {
            match self.phases.entry(phase) {
                Entry::Vacant(vacant) => drop(vacant.insert(theirs)),
                Entry::Occupied(mut occupied) => occupied.get_mut().merge(theirs),
            }
        }
        self.storms.extend(other.storms);
        for (kind, probed) in other.probes {
            self.probes.entry(kind).or_default().merge(probed);
        }
        self.timelines.extend(other.timelines);
    }

    /// Reads the record in a report.
    ///
    /// # Errors
    /// Names the field that is wrong, and why.
    pub(crate) fn from_report(text: &[u8]) -> Result<Self, String> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let report: Container = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| format!("{}: {}", error.path(), error.inner()))?;
        reader.end().map_err(|error| error.to_string())?;
        let record = report.record;
        match record.form {
            UNPROVED_FORM | FORM => Ok(record),
            form => Err(format!(
                "record.form: {form} is none of those known here, {UNPROVED_FORM} and {FORM}"
            )),
        }
    }

    /// Reads the records of a report, or of every report that stands on a line of its own, as in the log
    /// of a run with `--json -`, or of several such runs.
    ///
    /// # Errors
    /// Names the field that is wrong, and in a log its line.
    pub(crate) fn all_in(text: &[u8]) -> Result<Vec<Self>, String> {
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        let mut reports = lines.filter(|(_, line)| line.starts_with(LINE)).peekable();
        if reports.peek().is_none() {
            return Self::from_report(text).map(|record| vec![record]);
        }
        let read = |(number, line)| {
            Self::from_report(line).map_err(|problem| format!("line {}: {problem}", number + 1))
        };
        reports.map(read).collect()
    }

    /// Reads the records in a file.
    ///
    /// # Errors
    /// The file cannot be read, or names the field that is wrong.
    pub(crate) fn from_file(file: &Path) -> Result<Vec<Self>, String> {
        let size = fs::metadata(file).map_err(|error: io::Error| error.to_string())?.len();
        if size > MAX_FILE_BYTES {
            return Err(format!("{size} bytes are more than reports have ({MAX_FILE_BYTES})"));
        }
        Self::all_in(&fs::read(file).map_err(|error| error.to_string())?)
    }
}

/// What of a report is read; the rest follows from it.
#[derive(Deserialize)]
struct Container {
    record: Record,
}

#[cfg(test)]
mod tests;
