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
    /// Of those, messages that were for sessions that were away, because their server had asked them to come back.
    pub missed: u64,
    /// Those that did not, though their receiver was there. Below zero if some arrived that nobody had said to be accepted, because
    /// an answer was lost.
    pub missing: Option<i64>,
    /// The share that pusher-api did not take, from 0 to 1.
    pub share_refused: f64,
    /// Messages that would have had to arrive if all had been accepted.
    pub due: Option<u64>,
    /// Messages per second that were asked for; nothing for as fast as possible.
    pub asked_per_second: Option<f64>,
}

impl PushReport {
    /// What was pushed, and what is missing of it.
    pub(crate) fn new(pushed: &Pushed) -> Self {
        let Pushed { outcome, expected, arrived, missed, due, rate: asked } = pushed;
        Self {
            accepted_per_second: rate(outcome.accepted, outcome.seconds),
            expected: *expected,
            missed: *missed,
            missing: expected.map(|expected| {
                let there = expected.saturating_sub(*missed);
                there.cast_signed().wrapping_sub_unsigned(*arrived)
            }),
            share_refused: outcome.share_refused(),
            due: *due,
            asked_per_second: asked.map(|asked| asked.per_second),
            outcome: outcome.clone(),
        }
    }
}

impl fmt::Display for PushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, expected, missing, accepted_per_second, .. } = self;
        write!(
            f,
            "pushed       {} offered, {} accepted in {:.2} s, {accepted_per_second:.0}/s",
            outcome.offered, outcome.accepted, outcome.seconds,
        )?;
        match self.asked_per_second {
            Some(asked) => writeln!(f, " ({asked:.0}/s asked for)")?,
            None => writeln!(f)?,
        }
        for (why, count) in &outcome.refused {
            writeln!(f, "refused      {count} × {why}")?;
        }
        match expected.zip(*missing) {
            Some((expected, missing)) => write!(f, "expected     {expected}, missing {missing}")?,
            None => return Ok(()),
        }
        match self.missed {
            0 => writeln!(f),
            missed => writeln!(f, "; {missed} were for sessions that were away"),
        }
    }
}
