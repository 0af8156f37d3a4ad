//! Failures by cause, with the limit behind each.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use crate::{
    measurements::tally::Tally,
    session::failure::{Failure, Failures},
};

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

impl FailureReport {
    /// A row for each.
    pub(crate) fn all(failures: &Failures, limits: &BTreeMap<String, String>) -> Vec<Self> {
        let row = |(failure, count): (&Failure, u64)| {
            let what = failure.to_string();
            Self { limit: limits.get(&what).cloned(), what, count }
        };
        failures.iter().map(row).collect()
    }
}

/// After these a session was tried again, coming for the first time or back.
pub(crate) fn retried(tally: &Tally) -> Failures {
    let mut both = tally.arrivals.retried.clone();
    both.merge(tally.returns.retried.clone());
    both.merge(tally.recalls.returned.retried.clone());
    both
}

/// A line for each, under what they have in common.
pub(crate) fn show_failures(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    failures: &[FailureReport],
) -> fmt::Result {
    for FailureReport { what, count, limit } in failures {
        write!(f, "{title:<12} {count} × {what}")?;
        match limit {
            Some(limit) => writeln!(f, " ({limit})")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}
