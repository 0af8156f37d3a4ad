//! Starts what a pusher-api consists of, and stops it in the right order.

use std::{io, net::SocketAddr, time::Duration};

use actix_rt::{Arbiter, ArbiterHandle};
use actix_web::{
    App, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web,
};
use settings::ConfigError;

use crate::{api::Api, engine::contract::Engine, http, settings::Settings};

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
    api: web::Data<Api>,
}

/// Starts a pusher-api; to be called inside an actix system. Signals are left to the caller.
///
/// # Errors
/// A wrong setting, or an address that cannot be listened on.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    settings.validate()?;
    let api = web::Data::new(Api::new(&settings)?);
    http::routes::begin_at_zero(&api.metrics);
    let (server, addresses) = serve(&settings, api.clone())?;
    let handle = server.handle();
    actix_rt::spawn(server);
    // The links have a thread of their own: a burst of requests must not delay presence.
    let links = Arbiter::new().handle();
    links.spawn(api.engine.keep_links(settings.gateway));
    Ok(Running { addresses, server: handle, links, api })
}

fn serve(
    settings: &Settings,
    api: web::Data<Api>,
) -> Result<(Server, Vec<SocketAddr>), StartError> {
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(api.clone())
            .wrap(from_fn(http::door::at_the_door))
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
            let drained = self.api.engine.drained();
            if tokio::time::timeout(LAST_ACKNOWLEDGEMENTS, drained).await.is_err() {
                tracing::warn!("stopped before every gateway acknowledged its pushes");
            }
        }
        self.links.stop();
    }
}
