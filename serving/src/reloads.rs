//! How often keys and secrets were read again, and whether that went well.

use prometheus::IntCounterVec;

use crate::metrics::Registrar;

/// Counts by source and result, each from 0.
#[derive(Debug, Clone)]
pub struct Reloads(IntCounterVec);

impl Reloads {
    /// A counter whose name begins like this, `holdfast` for example, of keys from these sources.
    pub fn new(make: &Registrar, prefix: &str, sources: &[&str]) -> Self {
        let counter = make.counters(
            &format!("{prefix}_key_reloads_total"),
            "Times that keys and secrets were read or fetched again",
            &["source", "result"],
        );
        let reloads = Self(counter);
        for source in sources {
            for is_ok in [true, false] {
                reloads.of(source, is_ok, 0);
            }
        }
        reloads
    }

    /// They were read again, or could not be.
    pub fn count(&self, source: &str, is_ok: bool) {
        self.of(source, is_ok, 1);
    }

    fn of(&self, source: &str, is_ok: bool, times: u64) {
        let result = if is_ok { "ok" } else { "failed" };
        self.0.with_label_values(&[source, result]).inc_by(times);
    }
}
