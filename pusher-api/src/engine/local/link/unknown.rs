//! What a newer gateway says that this build does not know, and what an older one does not know of
//! us: passed over, counted, and told in the log once for each kind.

use std::sync::Arc;

use protocol::link::UnknownKinds;

use crate::metrics::Metrics;

/// Keeps account for one connection.
pub(super) struct Unknown {
    gateway: Arc<str>,
    metrics: Arc<Metrics>,
    kinds: UnknownKinds,
}

impl Unknown {
    pub(super) fn new(gateway: Arc<str>, metrics: &Arc<Metrics>) -> Self {
        Self { gateway, metrics: Arc::clone(metrics), kinds: UnknownKinds::default() }
    }

    pub(super) fn on_frame(&mut self, kind: u8) {
        self.metrics.links.unknown_frames.inc();
        if self.kinds.is_new_frame(kind) {
            tracing::debug!(gateway = %self.gateway, kind, "frames of an unknown kind are passed over");
        }
    }

    pub(super) fn on_answer(&mut self, name: &str) {
        self.metrics.links.unknown_answers.inc();
        if self.kinds.is_new_name(name) {
            tracing::debug!(gateway = %self.gateway, name, "answers of an unknown name are not taken");
        }
    }

    pub(super) fn on_unsupported(&mut self, name: &str) {
        self.metrics.links.unsupported_requests.inc();
        if self.kinds.is_new_name(name) {
            tracing::debug!(gateway = %self.gateway, name, "the gateway does not support a request");
        }
    }
}
