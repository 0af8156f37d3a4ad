//! Where answers and losses are counted.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use protocol::clock;

use crate::measurements::probed::Probed;

/// The name of probes over persistent connections.
pub(super) const ECHO: &str = "echo";

/// What became of the probes, by kind.
pub(crate) type Results = BTreeMap<String, Probed>;

/// What is known so far.
pub(super) struct Ledger {
    results: Results,
    timeout: Duration,
    slowest: Arc<AtomicU64>,
}

impl Ledger {
    /// Nothing yet. The slowest answer, plus one, is left in `slowest`.
    pub(super) fn new(timeout: Duration, slowest: Arc<AtomicU64>) -> Self {
        Self { results: Results::new(), timeout, slowest }
    }

    /// When a probe is lost.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Everything, in the end.
    pub(super) fn into_results(self) -> Results {
        self.results
    }

    /// The probes of a kind.
    pub(super) fn entry(&mut self, name: &str) -> &mut Probed {
        self.results.entry(name.to_owned()).or_default()
    }

    /// A probe was answered.
    pub(super) fn on_answer(&mut self, name: &str, due: u64) {
        let took = clock::micros_since_epoch().saturating_sub(due);
        self.entry(name).answered.record(took);
        self.slowest.fetch_max(took + 1, Ordering::Relaxed);
    }

    /// A probe was lost. What is outstanding when a kind turns out to be unavailable is not lost.
    pub(super) fn on_lost(&mut self, name: &str, why: String) {
        if self.entry(name).unavailable.is_some() {
            return;
        }
        *self.entry(name).lost.entry(why).or_default() += 1;
        self.slowest.fetch_max(self.timeout.as_micros() as u64 + 1, Ordering::Relaxed);
    }

    /// There are no probes of a kind.
    pub(super) fn on_unavailable(&mut self, name: &str, why: String) {
        *self.entry(name) = Probed { unavailable: Some(why), ..Probed::default() };
    }
}
