//! What a newer pusher-api says that this build does not know: passed over, counted, and told in the
//! log once for each kind.

use std::sync::Arc;

use protocol::{
    link::{LinkAnswer, Terms, UnknownKinds, Up},
    receipt::Receipt,
};
use tracing::debug;

use crate::{delivery::dispatch::Skipped, metrics::Metrics, uplink::queue::LinkQueue};

/// Keeps account for one link.
pub(super) struct Unknown {
    metrics: Arc<Metrics>,
    kinds: UnknownKinds,
    has_pushes: bool,
}

impl Unknown {
    pub(super) fn new(metrics: &Arc<Metrics>) -> Self {
        Self { metrics: Arc::clone(metrics), kinds: UnknownKinds::default(), has_pushes: false }
    }

    pub(super) fn on_frame(&mut self, kind: u8) {
        self.metrics.link_unknown_frames.inc();
        if self.kinds.is_new_frame(kind) {
            debug!(kind, "frames of an unknown kind are passed over");
        }
    }

    /// Answers, so that nobody waits for something that will not come.
    pub(super) fn on_request(
        &mut self,
        link: &LinkQueue,
        terms: Terms,
        request: u64,
        name: String,
    ) {
        self.metrics.link_unknown_requests.inc();
        if self.kinds.is_new_name(&name) {
            debug!(name, "requests of an unknown name are not supported");
        }
        if terms.may_answer_unsupported() {
            link.send(&Up::Answer { request, body: LinkAnswer::Unsupported { name } });
        }
    }

    /// Pushes were passed over; those that wanted receipts get the word that nobody has them.
    pub(super) fn on_pushes(&mut self, link: &LinkQueue, pushes: Skipped) {
        for id in pushes.wanted_receipts {
            link.send(&Up::Receipt(Receipt::skipped(id)));
        }
        let skipped = pushes.count;
        self.metrics.link_unknown_pushes.inc_by(skipped);
        if skipped > 0 && !std::mem::replace(&mut self.has_pushes, true) {
            debug!(skipped, "pushes of an unknown kind are not delivered");
        }
    }
}
