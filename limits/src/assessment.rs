//! Every limit together: how many sessions fit, and which limit stops them.

use serde::Serialize;

use crate::{
    counters::Counters,
    machine::Machine,
    question::Question,
    row::{Row, Verdict},
    rows::Case,
};

/// A limit that has been hit, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The limit.
    pub limit: &'static str,
    /// What shows it.
    pub evidence: String,
}

/// What follows from every limit.
#[derive(Debug, Clone, Serialize)]
pub struct Assessment {
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// How many sessions fit now.
    pub fits: Option<u64>,
    /// Which limit stops those that come after.
    pub stopped_by: Option<&'static str>,
    /// Whether nothing is too low.
    pub good: bool,
    /// Whether the network namespace is the machine's first: others do not show all limits.
    pub in_first_network: bool,
    /// Every limit.
    pub limits: Vec<Row>,
    /// What has been hit since the namespace or the machine started.
    pub hit: Vec<Trace>,
    /// What was counted.
    pub counters: Counters,
}

impl Assessment {
    /// Holds a machine against what is wanted of it.
    pub fn new(question: Question, machine: &Machine) -> Self {
        let limits = Case { question: &question, machine }.rows();
        let first = limits
            .iter()
            .filter_map(|row| Some((row.fits?, row.limit)))
            .min_by_key(|(fits, _)| *fits);
        Self {
            question,
            fits: first.map(|(fits, _)| fits),
            stopped_by: first.map(|(_, limit)| limit),
            good: !limits.iter().any(|row| row.verdict.is_bad()),
            in_first_network: machine.in_first_network,
            hit: traces(&limits, &machine.counters),
            limits,
            counters: machine.counters.clone(),
        }
    }

    /// The limits that are not enough.
    pub fn bad(&self) -> impl Iterator<Item = &Row> {
        self.limits.iter().filter(|row| row.verdict.is_bad())
    }

    /// The limits that cannot be judged from here.
    pub fn unknown(&self) -> impl Iterator<Item = &Row> {
        self.limits.iter().filter(|row| row.verdict == Verdict::Unknown)
    }
}

fn traces(limits: &[Row], counters: &Counters) -> Vec<Trace> {
    let of_row = |row: &Row| Some(Trace { limit: row.limit, evidence: row.hit.clone()? });
    let mut traces: Vec<_> = limits.iter().filter_map(of_row).collect();
    if counters.close_wait > 0 {
        let evidence = format!(
            "{} sockets whose peers have gone: a process hangs, lags or leaks",
            counters.close_wait
        );
        traces.push(Trace { limit: "CLOSE_WAIT", evidence });
    }
    traces
}
