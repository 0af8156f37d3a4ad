//! What every request works with.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use actix_web::web::Bytes;
use serving::metrics::signed;
use settings::ConfigError;

use crate::{
    dedupe::Dedupe,
    engine::{any::AnyEngine, contract::Engine},
    keeping::{any_store::AnyStore, in_use::Keeping},
    keys::Keys,
    metrics::Metrics,
    process::Process,
    receipts::Receipts,
    settings::Settings,
    status::{LinkState, NotReady},
    validate::To,
    websocket_url::WebsocketUrl,
};

/// Shared by all HTTP threads.
pub(crate) struct Api {
    /// The way to the gateways.
    pub engine: AnyEngine,
    /// Ids seen lately.
    pub dedupe: Dedupe,
    /// Who waits for receipts.
    pub receipts: Arc<Receipts>,
    /// What messages are kept in.
    pub keeping: Arc<Keeping>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Which process this is.
    pub process: Process,
    /// What backends are recognised by.
    pub keys: Arc<Keys>,
    /// In development, the origins of web pages whose requests are taken besides those of loopback.
    pub development: Option<Vec<String>>,
    /// The ports that backends reach it by, once there are some.
    pub ports: OnceLock<Vec<u16>>,
    /// Where the live page connects to, if that was configured.
    pub page_websocket_url: Option<WebsocketUrl>,
    leaving: AtomicBool,
}

impl Api {
    /// Everything as it was set, and no gateway so far.
    ///
    /// # Errors
    /// A file with keys or a secret cannot be read, or the store not be opened.
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let receipts = Receipts::new(settings.pending_receipts);
        let metrics = Arc::<Metrics>::default();
        let dedupe = Dedupe::new(settings.ids_memory, metrics.ids_forgotten.clone());
        metrics.begin(settings, dedupe.most());
        for kind in To::KINDS {
            metrics.pushes.targets.with_label_values(&[kind]);
        }
        let keys = Arc::new(Keys::read(settings)?);
        let keeping = Arc::new(Keeping::open(&settings.kept)?);
        Ok(Self {
            engine: AnyEngine::new(settings, &keys, &receipts, &keeping, &metrics),
            dedupe,
            receipts,
            keeping,
            metrics,
            process: Process::default(),
            keys,
            development: settings
                .development
                .development
                .then(|| settings.development.allow_origin.clone()),
            ports: OnceLock::new(),
            page_websocket_url: settings.page_websocket_url.clone(),
            leaving: AtomicBool::new(false),
        })
    }

    /// Takes pushes for a while, but wants no more of them.
    pub(crate) fn start_leaving(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether load balancers shall send pushes here. Names the gateways that may hold users who are
    /// not known here, if that lasts, and says what keeps messages from being kept: others go on.
    ///
    /// # Errors
    /// Why not; also where it is so of every gateway.
    pub(crate) async fn readiness(&self) -> Result<Vec<String>, NotReady> {
        if self.leaving.load(Ordering::Relaxed) {
            return Err(NotReady::Draining);
        }
        self.engine.readiness().await?;
        let out_of_step: Vec<_> =
            self.engine.out_of_step().iter().map(ToString::to_string).collect();
        let used = self.engine.gateways().into_iter().filter(|link| link.state != LinkState::Alias);
        match out_of_step.len() >= used.count() {
            true => Err(NotReady::OutOfStep(out_of_step.join(", "))),
            false => Ok(out_of_step.into_iter().chain(self.keeping.trouble()).collect()),
        }
    }

    /// What is counted, as Prometheus reads it.
    pub(crate) async fn metrics(&self) -> Bytes {
        self.metrics.receipts_pending.set(signed(self.receipts.pending()));
        self.metrics.ids_remembered.set(signed(self.dedupe.known()));
        let (others, store) = (self.keeping.others(), self.keeping.store());
        let counters = store.and_then(AnyStore::counters);
        self.metrics.store.show(self.keeping.trouble().is_some(), others, counters);
        self.metrics.text(self.readiness().await.err(), || self.engine.gateways())
    }
}
