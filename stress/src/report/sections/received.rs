//! What clients received.

use std::fmt;

use serde::Serialize;

use crate::{
    measurements::{quantiles::Quantiles, tally::Tally},
    report::numbers::rate,
};

/// Messages and answers up to this are on time.
pub(crate) const ON_TIME_MICROS: u64 = 200_000;

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

impl Received {
    /// What clients counted; nothing if nothing came.
    pub(crate) fn new(tally: &Tally) -> Option<Self> {
        let seconds = tally.receipts.seconds();
        let latency = tally.latency.quantiles();
        (tally.messages + tally.refusals > 0).then(|| Self {
            messages: tally.messages,
            seconds,
            per_second: rate(tally.messages, seconds),
            refusals: tally.refusals,
            latency,
            share_within_200_ms: latency.map(|_| tally.latency.share_within(ON_TIME_MICROS)),
        })
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, seconds, per_second, refusals, .. } = self;
        writeln!(f, "received     {messages} in {seconds:.2} s, {per_second:.0}/s")?;
        if *refusals > 0 {
            writeln!(f, "errors       {refusals} error frames")?;
        }
        if let (Some(latency), Some(share)) = (&self.latency, self.share_within_200_ms) {
            writeln!(f, "latency      {latency}; {:.3} % within 200 ms", share * 100.0)?;
        }
        Ok(())
    }
}
