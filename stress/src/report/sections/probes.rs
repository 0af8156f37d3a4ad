//! Other traffic.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::received::ON_TIME_MICROS;
use crate::measurements::{probed::Probed, quantiles::Quantiles};

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

/// Probes without an answer.
pub(super) fn lost(probed: &Probed) -> u64 {
    probed.lost.values().fold(0, |sum, count| sum.saturating_add(*count))
}

impl<'a> ProbeReport<'a> {
    /// What became of the probes of one kind.
    pub(crate) fn new(what: &'a str, probed: &'a Probed) -> Self {
        let within = probed.answered.count_within(ON_TIME_MICROS) as f64;
        Self {
            what,
            sent: probed.sent,
            lost: lost(probed),
            lost_by: &probed.lost,
            latency: probed.answered.quantiles(),
            share_within_200_ms: (probed.sent > 0).then(|| within / probed.sent as f64),
            unavailable: probed.unavailable.as_deref(),
        }
    }
}

impl fmt::Display for ProbeReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, sent, lost, .. } = self;
        if let Some(why) = self.unavailable {
            return writeln!(f, "probe        {what}: none ({why})");
        }
        write!(f, "probe        {what}: {sent} sent, {lost} lost")?;
        if let (Some(latency), Some(share)) = (&self.latency, self.share_within_200_ms) {
            write!(f, "; {latency}; {:.3} % within 200 ms", share * 100.0)?;
        }
        writeln!(f)?;
        self.lost_by.iter().try_for_each(|(why, count)| writeln!(f, "  lost       {count} × {why}"))
    }
}
