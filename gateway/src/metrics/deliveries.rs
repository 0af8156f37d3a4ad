//! What became of pushes at sessions in the end: written, after so long, or lost.

use prometheus::{IntCounter, IntCounterVec};
use protocol::CloseReason;
use serving::metrics::Registrar;

use super::tallies::Tallies;
use crate::runtime::acceptance::{Accepted, Unmeasured};

/// No session was there for its user, who had left meanwhile.
const NO_SESSION: &str = "no_session";
/// A later one of the same key has taken its place.
const COLLAPSED: &str = "collapsed";
/// The session ended without a reason: a bug of ours.
const PANIC: &str = "panic";

/// Counts and measures them.
pub(crate) struct Deliveries {
    tallies: Tallies,
    unmeasured: [IntCounter; Unmeasured::ALL.len()],
    dropped: IntCounterVec,
    /// Pushes to users who have no session here.
    pub no_session: IntCounter,
}

impl Deliveries {
    pub(super) fn new(make: &Registrar, tallies: Tallies) -> Self {
        let unmeasured = make.counters(
            "holdfast_push_latency_unknown_total",
            "Written pushes of which nobody knows how long they took, because clocks differ",
            &["reason"],
        );
        let dropped = make.counters(
            "holdfast_pushes_dropped_total",
            "Pushes that no client got, by why its session ended or that there was none",
            &["reason"],
        );
        // From 0, so that the first ones are seen as an increase.
        CloseReason::ALL.iter().for_each(|it| drop(dropped.with_label_values(&[it.as_str()])));
        dropped.with_label_values(&[PANIC]);
        dropped.with_label_values(&[COLLAPSED]);
        Self {
            tallies,
            unmeasured: Unmeasured::ALL.map(|why| unmeasured.with_label_values(&[why.as_str()])),
            no_session: dropped.with_label_values(&[NO_SESSION]),
            dropped,
        }
    }

    /// A push that was accepted then is written, at once or from a queue.
    pub(crate) fn written(&self, accepted: Accepted) {
        match accepted.age_micros() {
            Ok(micros) => self.tallies.here().latency(micros),
            Err(why) => self.unmeasured[why as usize].inc(),
        }
    }

    /// A push that waited has been replaced by a later one.
    pub(crate) fn collapsed(&self) {
        self.dropped.with_label_values(&[COLLAPSED]).inc();
    }

    /// So many pushes will not be written any more, for the reason their session ends for.
    pub(crate) fn dropped(&self, pushes: usize, reason: Option<CloseReason>) {
        if pushes > 0 {
            let reason = reason.map_or(PANIC, CloseReason::as_str);
            self.dropped.with_label_values(&[reason]).inc_by(pushes as u64);
        }
    }
}
