//! What every request works with.

use std::sync::Arc;

use settings::Secret;

use crate::{dedupe::Dedupe, engine::contract::Engine, metrics::Metrics, receipts::Receipts};

/// Shared by all HTTP threads.
pub(crate) struct Api {
    /// The way to the gateways.
    pub engine: Arc<dyn Engine>,
    /// Ids seen lately.
    pub dedupe: Dedupe,
    /// Who waits for receipts.
    pub receipts: Arc<Receipts>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Keys of backends; none means that none is needed.
    pub keys: Vec<Secret>,
    /// Where the live page connects to, if that was configured.
    pub page_websocket_url: Option<String>,
}
