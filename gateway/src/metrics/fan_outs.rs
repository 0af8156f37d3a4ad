//! Pushes to topics and to everybody that are on their way.

use std::time::Duration;

use prometheus::{Gauge, IntGauge};
use serving::metrics::{Registrar, signed};

/// Shows them.
pub(crate) struct FanOuts {
    unfinished: IntGauge,
    recipients: IntGauge,
    behind: Gauge,
}

impl FanOuts {
    pub(super) fn new(make: &Registrar) -> Self {
        Self {
            unfinished: make.gauge(
                "holdfast_fan_outs_unfinished",
                "Pushes to topics and to all that are not finished, once for each worker",
            ),
            recipients: make.gauge(
                "holdfast_fan_out_recipients",
                "Sessions that are still to get one of them, once for each push",
            ),
            behind: make.keep(Gauge::new(
                "holdfast_fan_out_behind_seconds",
                "How long that takes at the present pace of the slowest worker",
            )),
        }
    }

    /// Shows how many are not finished, who is still to get one, and how long that takes.
    pub(crate) fn show(&self, unfinished: u64, recipients: u64, behind: Duration) {
        self.unfinished.set(signed(unfinished));
        self.recipients.set(signed(recipients));
        self.behind.set(behind.as_secs_f64());
    }
}
