//! Sessions that are asked to come back, so that others may get them.

use prometheus::{IntCounter, IntGauge};
use protocol::link::OtherGateways;
use serving::metrics::{Registrar, signed};

/// Counts and shows them.
pub(crate) struct Recalls {
    /// Because of their age.
    pub by_age: IntCounter,
    /// By a rebalancing.
    pub by_rebalance: IntCounter,
    rebalancing: IntGauge,
    left: IntGauge,
    other_gateways: IntGauge,
    others_sessions: IntGauge,
    others_room: IntGauge,
}

impl Recalls {
    pub(super) fn new(make: &Registrar) -> Self {
        let recalled = make.counters(
            "holdfast_sessions_recalled_total",
            "Sessions asked to come back by their age or by a rebalancing",
            &["cause"],
        );
        Self {
            by_age: recalled.with_label_values(&["age"]),
            by_rebalance: recalled.with_label_values(&["rebalance"]),
            rebalancing: make.gauge("holdfast_rebalancing", "1 while a rebalancing is under way"),
            left: make.gauge(
                "holdfast_rebalance_left",
                "Sessions that the rebalancing under way is still to ask to come back",
            ),
            other_gateways: make
                .gauge("holdfast_other_gateways", "Other gateways that pusher-apis tell of"),
            others_sessions: make
                .gauge("holdfast_other_gateways_sessions", "Sessions that those have"),
            others_room: make
                .gauge("holdfast_other_gateways_room", "How many more sessions those can take"),
        }
    }

    /// Shows how many sessions a rebalancing is still to ask, if one is under way.
    pub(crate) fn show_rebalance(&self, left: Option<usize>) {
        self.rebalancing.set(left.is_some().into());
        self.left.set(signed(left.unwrap_or(0)));
    }

    /// Shows what pusher-apis tell of other gateways.
    pub(crate) fn show_others(&self, others: OtherGateways) {
        self.other_gateways.set(others.gateways.into());
        self.others_sessions.set(i64::try_from(others.sessions).unwrap_or(i64::MAX));
        self.others_room.set(i64::try_from(others.room).unwrap_or(i64::MAX));
    }
}
