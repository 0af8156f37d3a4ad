//! What is counted of takeovers.

use prometheus::{Gauge, IntCounterVec, IntGauge};
use serving::metrics::Registrar;

/// What comes of an offer to take over, as it stands in labels: everything went to the successor, or the gateway goes
/// on because it was refused, because something failed, or because there was no time left.
pub(crate) const RESULTS: [&str; 3] = ["given", "refused", "abandoned"];

/// Takeovers by another process, and from one.
pub(crate) struct Takeovers {
    results: IntCounterVec,
    /// Sessions that this process has of the one before it.
    pub sessions: IntGauge,
    /// How long nobody served them.
    pub seconds: Gauge,
}

impl Takeovers {
    /// None so far.
    pub(crate) fn new(make: &Registrar) -> Self {
        let results = make.counters(
            "holdfast_takeovers_total",
            "Successors that asked for the sessions, by what came of it",
            &["result"],
        );
        RESULTS.iter().for_each(|it| drop(results.with_label_values(&[*it])));
        Self {
            results,
            sessions: make.gauge(
                "holdfast_takeover_sessions",
                "Sessions that this process took over from the one before it",
            ),
            seconds: make.keep(Gauge::new(
                "holdfast_takeover_seconds",
                "How long these were served by neither",
            )),
        }
    }

    /// Counts one of [`RESULTS`].
    pub(crate) fn count(&self, result: &str) {
        debug_assert!(RESULTS.contains(&result), "{result} is not born at 0");
        self.results.with_label_values(&[result]).inc();
    }
}
