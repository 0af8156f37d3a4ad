//! What clients received.

use std::fmt;

use serde::Serialize;

use crate::{
    measurements::{proofs::Proofs, quantiles::Quantiles},
    report::{numbers::rate, pushed::Pushed, record::Record},
};

/// Messages and answers up to this are on time.
pub(crate) const ON_TIME_MICROS: u64 = 200_000;

/// What clients received.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Received {
    /// Messages.
    pub messages: u64,
    /// Of those, messages of this run, each counted once, that reached whom they were for.
    pub arrived: u64,
    /// Messages that reached somebody they were not for.
    pub misdirected: u64,
    /// Messages that came again.
    pub doubled: u64,
    /// Messages that came after one that was sent later.
    pub reordered: u64,
    /// From the first to the last.
    pub seconds: f64,
    /// Messages per second between the first and the last.
    pub per_second: f64,
    /// `error` frames.
    pub refusals: u64,
    /// From when they were due; nothing if the messages do not say.
    pub latency: Option<Quantiles>,
    /// The share received within 200 ms, from 0 to 1, of all that were due where that is known:
    /// those that were refused or are missing are late for ever.
    pub share_within_200_ms: Option<f64>,
}

impl Received {
    /// What clients counted; nothing if nothing came.
    pub(crate) fn new(record: &Record) -> Option<Self> {
        let tally = &record.tally;
        let due = record.pushes.as_ref().and_then(Pushed::due_to_somebody);
        let Proofs { arrived, misdirected, doubled, reordered, .. } = tally.proofs;
        let seconds = tally.receipts.seconds();
        let latency = tally.latency.quantiles();
        (tally.messages + tally.refusals > 0).then(|| Self {
            messages: tally.messages,
            arrived,
            misdirected,
            doubled,
            reordered,
            seconds,
            per_second: rate(tally.messages, seconds),
            refusals: tally.refusals,
            latency,
            share_within_200_ms: latency.map(|_| tally.latency.share_within(ON_TIME_MICROS, due)),
        })
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, seconds, per_second, refusals, .. } = self;
        let Self { arrived, misdirected, doubled, reordered, .. } = self;
        writeln!(f, "received     {messages} in {seconds:.2} s, {per_second:.0}/s")?;
        if *arrived + *misdirected + *doubled > 0 {
            writeln!(
                f,
                "proved       {arrived} for whom they were, each once; {reordered} out of order, \
                 {doubled} came again, {misdirected} were for somebody else",
            )?;
        }
        if *refusals > 0 {
            writeln!(f, "errors       {refusals} error frames")?;
        }
        if let (Some(latency), Some(share)) = (&self.latency, self.share_within_200_ms) {
            writeln!(f, "latency      {latency}; {:.3} % within 200 ms", share * 100.0)?;
        }
        Ok(())
    }
}
