//! What all links work with.

use std::{sync::Arc, time::Duration};

use super::{decided::Decided, gateways::Gateways, handle::Bounds};
use crate::{
    engine::local::{presence::Presence, topics::Topics},
    keeping::in_use::Keeping,
    keys::Keys,
    metrics::Metrics,
    receipts::Receipts,
    settings::Settings,
};

/// Shared by the links, the thread they are on, and those who write to them.
pub(crate) struct Services {
    /// Where users are.
    pub presence: Presence,
    /// Where topics have subscribers.
    pub topics: Topics,
    /// Who is to hear of whose devices.
    pub decided: Decided,
    /// Who waits for receipts.
    pub receipts: Arc<Receipts>,
    /// What messages are kept in.
    pub keeping: Arc<Keeping>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The links there are.
    pub gateways: Gateways,
    /// What this process proves itself with.
    pub keys: Arc<Keys>,
    /// What each gateway may be sent at the most.
    pub bounds: Bounds,
    /// How long presence and queue of a lost gateway are kept.
    pub grace: Duration,
    /// How long a gateway that its name no longer lists is tried again after an interruption.
    pub unlisted_retry: Duration,
}

impl Services {
    /// Nobody is anywhere, and there are no links.
    pub(crate) fn new(
        settings: &Settings,
        keys: &Arc<Keys>,
        receipts: &Arc<Receipts>,
        keeping: &Arc<Keeping>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            presence: Presence::default(),
            topics: Topics::default(),
            decided: Decided::default(),
            receipts: Arc::clone(receipts),
            keeping: Arc::clone(keeping),
            metrics: Arc::clone(metrics),
            gateways: Gateways::default(),
            keys: Arc::clone(keys),
            bounds: Bounds { queue: settings.link_queue, fan_outs: settings.fan_out_backlog },
            grace: settings.link_grace,
            unlisted_retry: settings.unlisted_retry,
        }
    }
}
