//! What was pushed, and whether all that was accepted arrived.

use std::fmt;

use serde::Serialize;

use crate::{
    report::{numbers::rate, pushed::Pushed},
    traffic::pusher::outcome::Outcome,
};

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

impl PushReport {
    /// What was pushed, and what is missing of it.
    pub(crate) fn new(Pushed { outcome, expected, arrived }: &Pushed) -> Self {
        Self {
            accepted_per_second: rate(outcome.accepted, outcome.seconds),
            expected: *expected,
            missing: expected
                .map(|expected| expected.cast_signed().wrapping_sub_unsigned(*arrived)),
            outcome: outcome.clone(),
        }
    }
}

impl fmt::Display for PushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, expected, missing, accepted_per_second } = self;
        writeln!(
            f,
            "pushed       {} offered, {} accepted in {:.2} s, {accepted_per_second:.0}/s",
            outcome.offered, outcome.accepted, outcome.seconds,
        )?;
        for (why, count) in &outcome.refused {
            writeln!(f, "refused      {count} × {why}")?;
        }
        match expected.zip(*missing) {
            Some((expected, missing)) => writeln!(f, "expected     {expected}, missing {missing}"),
            None => Ok(()),
        }
    }
}
