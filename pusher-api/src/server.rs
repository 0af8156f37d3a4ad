//! Starts what a pusher-api consists of, and stops it in the right order.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_rt::{Arbiter, ArbiterHandle};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web,
};
use settings::ConfigError;

use crate::{
    api::Api,
    dedupe::Dedupe,
    engine::{
        contract::Engine,
        local::{
            engine::LocalEngine,
            link::{discovery, services::Services},
        },
    },
    http,
    metrics::Metrics,
    receipts::Receipts,
    settings::Settings,
};

/// How long backends may keep an idle connection.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long stopping waits for gateways to acknowledge what was accepted.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(5);

/// Why a pusher-api does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

/// A pusher-api that is running.
pub struct Running {
    /// Where backends reach it.
    pub addresses: Vec<SocketAddr>,
    server: ServerHandle,
    links: ArbiterHandle,
    services: Arc<Services>,
}

/// Starts a pusher-api; to be called inside an actix system. Signals are left to the caller.
///
/// # Errors
/// A wrong setting, or an address that cannot be listened on.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    settings.validate()?;
    let (receipts, metrics) = (Receipts::new(settings.pending_receipts), Arc::<Metrics>::default());
    let services = Arc::new(Services::new(&settings, Arc::clone(&receipts), Arc::clone(&metrics))?);
    let engine = LocalEngine { services: Arc::clone(&services), timeout: settings.gateway_timeout };
    let api = api(&settings, Arc::new(engine), receipts, metrics)?;
    let (server, addresses) = serve(&settings, api)?;
    let handle = server.handle();
    actix_rt::spawn(server);
    // The links have a thread of their own: a burst of requests must not delay presence.
    let links = Arbiter::new().handle();
    links.spawn(discovery::run(settings.gateway, Arc::clone(&services)));
    Ok(Running { addresses, server: handle, links, services })
}

fn api(
    settings: &Settings,
    engine: Arc<dyn Engine>,
    receipts: Arc<Receipts>,
    metrics: Arc<Metrics>,
) -> Result<Api, ConfigError> {
    Ok(Api {
        engine,
        dedupe: Dedupe::new(settings.dedupe_ids, metrics.dedupe_evictions.clone()),
        receipts,
        metrics,
        keys: settings.api_keys()?,
        page_websocket_url: settings.page_websocket_url.clone(),
    })
}

fn serve(settings: &Settings, api: Api) -> Result<(Server, Vec<SocketAddr>), StartError> {
    let api = web::Data::new(api);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .wrap(from_fn(http::timing::timed))
            .configure(http::routes::routes)
    });
    for address in settings.listen.iter().flat_map(settings::ListenRange::addresses) {
        server = server.bind(address).map_err(|error| StartError::Listen { address, error })?;
    }
    if let Some(workers) = settings.workers {
        server = server.workers(workers.into());
    }
    let addresses = server.addrs();
    for address in &addresses {
        tracing::info!(%address, "pusher-api listens");
    }
    Ok((server.keep_alive(KEEP_ALIVE).disable_signals().run(), addresses))
}

impl Running {
    /// Stops. Gracefully means: requests are answered and what was accepted is acknowledged by
    /// its gateways first.
    pub async fn stop(self, graceful: bool) {
        self.server.stop(graceful).await;
        if graceful {
            let links = self.services.gateways.all();
            let drained = futures::future::join_all(links.iter().map(|link| link.room.drained()));
            if tokio::time::timeout(LAST_ACKNOWLEDGEMENTS, drained).await.is_err() {
                tracing::warn!("stopped before every gateway acknowledged its pushes");
            }
        }
        self.links.stop();
    }
}
