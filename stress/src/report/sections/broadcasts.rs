//! Messages that went to everybody, or to a topic that everybody has.

use std::fmt;

use serde::Serialize;

use crate::measurements::deliveries::Spread;

/// Messages that went to many.
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

impl Broadcasts {
    /// What they have in common; nothing if there were none.
    pub(crate) fn new<'a>(spreads: impl Iterator<Item = &'a Spread>) -> Option<Self> {
        let spreads: Vec<_> = spreads.collect();
        let mut seconds: Vec<_> = spreads.iter().map(|spread| spread.span.seconds()).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        Some(Self {
            count: spreads.len(),
            fewest_clients: spreads.iter().map(|spread| spread.clients).min()?,
            min_seconds: *seconds.first()?,
            median_seconds: seconds[seconds.len() / 2],
            max_seconds: *seconds.last()?,
        })
    }
}

impl fmt::Display for Broadcasts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, fewest_clients, min_seconds, median_seconds, max_seconds } = self;
        writeln!(
            f,
            "{count}, to {fewest_clients} clients or more; first to last client: min \
             {min_seconds:.3} s, median {median_seconds:.3} s, max {max_seconds:.3} s",
        )
    }
}
