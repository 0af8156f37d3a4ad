//! Whether the gateway is ready, what it may hold at the most, how its sessions are spread, and over how
//! many topics.

use prometheus::{IntGauge, IntGaugeVec};
use protocol::link::MAX_TOPICS_TOLD;
use serving::metrics::{Registrar, signed};

/// These gauges.
pub(crate) struct Standing {
    ready: IntGauge,
    not_ready: IntGaugeVec,
    sessions_limit: IntGauge,
    links_limit: IntGauge,
    memory_reserve: IntGauge,
    worker_sessions: IntGaugeVec,
    topics: IntGauge,
    topics_told_limit: IntGauge,
}

impl Standing {
    pub(super) fn new(make: &Registrar) -> Self {
        Self {
            ready: make.gauge("holdfast_ready", "1 if load balancers shall send clients here"),
            not_ready: make.gauges(
                "holdfast_not_ready",
                "1 for each reason why they shall not",
                &["reason"],
            ),
            sessions_limit: make.gauge("holdfast_sessions_limit", "Most sessions there may be"),
            links_limit: make.gauge("holdfast_links_limit", "Most links of pusher-apis"),
            memory_reserve: make.gauge(
                "holdfast_memory_reserve_bytes",
                "Memory that must be left for another session",
            ),
            worker_sessions: make.gauges(
                "holdfast_worker_sessions",
                "Open sessions of each worker",
                &["worker"],
            ),
            topics: make.gauge("holdfast_topics", "Topics that a session is subscribed to"),
            topics_told_limit: make.gauge(
                "holdfast_topics_told_limit",
                "Most topics of which pusher-apis are told; beyond it they send all here",
            ),
        }
    }

    /// Shows how many topics have a subscriber.
    pub(crate) fn show_topics(&self, topics: usize) {
        self.topics.set(signed(topics));
    }

    /// Shows what was set, or found at the start.
    pub(crate) fn show_limits(&self, sessions: usize, links: usize, memory_reserve: usize) {
        self.sessions_limit.set(signed(sessions));
        self.links_limit.set(signed(links));
        self.topics_told_limit.set(signed(MAX_TOPICS_TOLD));
        self.memory_reserve.set(signed(memory_reserve));
    }

    /// Shows of every reason whether it keeps the gateway from being ready.
    pub(crate) fn show_reasons(&self, reasons: impl Iterator<Item = (&'static str, bool)>) {
        let mut is_ready = true;
        for (reason, applies) in reasons {
            self.not_ready.with_label_values(&[reason]).set(applies.into());
            is_ready &= !applies;
        }
        self.ready.set(is_ready.into());
    }

    /// Shows how many sessions each worker has.
    pub(crate) fn show_workers(&self, sessions: impl Iterator<Item = (usize, usize)>) {
        for (worker, sessions) in sessions {
            self.worker_sessions.with_label_values(&[worker.to_string()]).set(signed(sessions));
        }
    }
}
