//! Starts what a pusher-api consists of, and stops it in the right order.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_rt::{Arbiter, ArbiterHandle};
use actix_web::web;
use serving::{
    Patience,
    budget::Limits,
    listen::{ListenError, Listeners, Options},
    room::Room,
};
use settings::ConfigError;

use crate::{
    api::Api,
    engine::contract::Engine,
    http,
    keys::{Keeper, ReadAgain},
    settings::Settings,
    threads::Threads,
    validate::MAX_BODY_BYTES,
};

/// How long it takes until it is looked again whether pushes can be taken.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The flag of the addresses to listen on.
const LISTEN: &str = "--listen";
/// The flag of those where TLS is spoken.
const TLS_LISTEN: &str = "--tls-listen";
/// How sockets of backends behave. A backend that vanished is found out and gives its descriptor
/// back; one that does not read keeps little in the kernel.
const SOCKETS: Options = Options {
    backlog: 4096,
    keepalive: Some(Duration::from_secs(20)),
    user_timeout: Duration::from_secs(60),
    send_buffer: Some(16 * 1024),
    receive_buffer: None,
};
/// What a thread may hold at least: the largest body while it is gathered, and some small ones.
const LEAST_BYTES: usize = 2 * MAX_BODY_BYTES;
/// How long stopping waits for requests in progress.
const LAST_ANSWERS: Duration = Duration::from_secs(30);
/// How long stopping waits for gateways to acknowledge what was accepted.
const LAST_ACKNOWLEDGEMENTS: Duration = Duration::from_secs(5);

/// Why a pusher-api does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(ListenError),
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Setting(error) => Self::Settings(error),
            error => Self::Listen(error),
        }
    }
}

impl StartError {
    /// The same, where another flag names the address to listen on.
    #[must_use]
    pub fn of_flag(self, flag: &str) -> Self {
        match self {
            Self::Listen(error) => error.of_flag(flag).into(),
            Self::Settings(error) if error.key == LISTEN => {
                Self::Settings(ConfigError { key: flag.to_owned(), ..error })
            }
            other => other,
        }
    }
}

/// A pusher-api that is running.
pub struct Running {
    /// Where backends reach it.
    pub addresses: Vec<SocketAddr>,
    /// Where they reach it inside TLS.
    pub tls_addresses: Vec<SocketAddr>,
    threads: Threads,
    links: ArbiterHandle,
    drain_wait: Duration,
    api: web::Data<Api>,
    read_again: ReadAgain,
    /// The same for certificates.
    certificates: Vec<certificates::ReadAgain>,
}

/// Where backends reach a pusher-api.
struct Ports {
    plain: Listeners,
    /// Where TLS is spoken.
    tls: Listeners,
}

impl Ports {
    fn bind(settings: &Settings) -> Result<Self, ListenError> {
        Ok(Self {
            plain: Listeners::bind(LISTEN, &settings.listen, 1, SOCKETS)?,
            tls: Listeners::bind(TLS_LISTEN, &settings.tls_listen, 1, SOCKETS)?,
        })
    }

    fn numbers(&self) -> Vec<u16> {
        self.plain.addresses.iter().chain(&self.tls.addresses).map(SocketAddr::port).collect()
    }

    fn log(&self) {
        for address in &self.plain.addresses {
            tracing::info!(%address, "pusher-api listens");
        }
        for address in &self.tls.addresses {
            tracing::info!(%address, "pusher-api listens with TLS");
        }
    }
}

/// Starts a pusher-api; to be called inside an actix system. Signals are left to the caller.
///
/// # Errors
/// A wrong setting, or an address that cannot be listened on.
pub async fn start(settings: Settings) -> Result<Running, StartError> {
    settings.validate()?;
    let (keeper, read_again) = Keeper::new(&settings);
    let api = web::Data::new(Api::new(&settings)?);
    http::routes::begin_at_zero(&api.metrics);
    let ports = Ports::bind(&settings)?;
    // Nobody is served before.
    let _ = api.ports.set(ports.numbers());
    if api.keys.are_open() {
        tracing::warn!("no API keys: whoever reaches these ports may push; put no proxy in front");
    }
    keeper.start(Arc::clone(&api.keys), Arc::clone(&api.metrics));
    let certificates = api.keys.tls.keep(&api.metrics);
    ports.log();
    let count = settings.workers();
    let Ports { plain, tls } = ports;
    let certificate = api.keys.tls.listeners();
    let tls_listeners = tls.per_worker.into_iter().flatten();
    let tls_listeners = tls_listeners.map(|listener| (listener, certificate.clone()));
    let listeners = plain.per_worker.into_iter().flatten().map(|listener| (listener, None));
    let listeners = listeners.chain(tls_listeners).collect();
    let threads = Threads::start(count, limits(&settings, count, &api), &api, listeners);
    // The links have a thread of their own: a burst of requests must not delay presence.
    let links = Arbiter::new().handle();
    links.spawn(api.engine.keep_links(settings.gateway));
    let drain_wait = settings.drain_wait;
    let (addresses, tls_addresses) = (plain.addresses, tls.addresses);
    Ok(Running {
        addresses,
        tls_addresses,
        threads,
        links,
        drain_wait,
        api,
        read_again,
        certificates,
    })
}

/// The share of each thread, which must be able to take the largest request.
fn limits(settings: &Settings, threads: usize, api: &Api) -> Limits {
    let room = Room::of_this_process();
    let share = |given: usize, found: usize| {
        let all = if given == 0 { found } else { given };
        all.div_ceil(threads)
    };
    let connections = share(settings.max_connections, room.connections());
    let bytes = share(settings.request_memory, room.request_bytes()).max(LEAST_BYTES);
    api.metrics.http.show_limits(connections * threads, bytes * threads);
    Limits { connections, bytes, patience: Patience::DEFAULT }
}

impl Running {
    /// Waits until pushes can be taken: a gateway is linked, and who is there is known.
    pub async fn until_ready(&self) {
        while self.api.readiness().await.is_err() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Reads keys and secrets again, whether their files have changed or not.
    pub fn read_again(&self) {
        self.read_again.ask();
        self.certificates.iter().for_each(certificates::ReadAgain::ask);
    }

    /// Says that it is not ready, and takes requests for another `--drain-wait`; then takes none, and
    /// waits until those in progress are answered, gateways have acknowledged what was accepted, and the store
    /// is closed.
    pub async fn drain(&mut self) {
        self.api.start_leaving();
        let wait = self.drain_wait;
        if !wait.is_zero() {
            tracing::info!(?wait, "not ready; requests are still taken");
            tokio::time::sleep(wait).await;
        }
        tracing::info!("draining");
        self.threads.drain(LAST_ANSWERS).await;
        let drained = self.api.engine.drained();
        if tokio::time::timeout(LAST_ACKNOWLEDGEMENTS, drained).await.is_err() {
            tracing::warn!("stopped before every gateway acknowledged its pushes");
        }
        self.api.keeping.close().await;
        tracing::info!("drained");
    }

    /// Ends the threads, whatever is left.
    pub fn stop(self) {
        self.threads.stop();
        self.links.stop();
    }
}
