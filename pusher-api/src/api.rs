//! What every request works with.

use std::sync::Arc;

use settings::ConfigError;

use crate::{
    backends::Backends, dedupe::Dedupe, engine::any::AnyEngine, metrics::Metrics,
    receipts::Receipts, settings::Settings,
};

/// Shared by all HTTP threads.
pub(crate) struct Api {
    /// The way to the gateways.
    pub engine: AnyEngine,
    /// Ids seen lately.
    pub dedupe: Dedupe,
    /// Who waits for receipts.
    pub receipts: Arc<Receipts>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Keys of backends; none means that none is needed.
    pub backends: Backends,
    /// Where the live page connects to, if that was configured.
    pub page_websocket_url: Option<String>,
}

impl Api {
    /// Everything as it was set, and no gateway so far.
    ///
    /// # Errors
    /// A file with keys or a secret cannot be read.
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let receipts = Receipts::new(settings.pending_receipts);
        let metrics = Arc::<Metrics>::default();
        Ok(Self {
            engine: AnyEngine::new(settings, Arc::clone(&receipts), Arc::clone(&metrics))?,
            dedupe: Dedupe::new(settings.dedupe_ids, metrics.dedupe_evictions.clone()),
            receipts,
            metrics,
            backends: settings.backends()?,
            page_websocket_url: settings.page_websocket_url.clone(),
        })
    }
}
