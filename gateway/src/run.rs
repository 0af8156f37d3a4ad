//! Starts a gateway's threads and stops them again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ::settings::{ConfigError, ListenRange};
use actix_rt::{Arbiter, ArbiterHandle};
use certificates::{Kept, LINK_SOURCE, ReadAgain, ServerSource};
use futures::{StreamExt, stream::FuturesUnordered};
use serving::listen::{ListenError, Listeners, Options};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{sleep, timeout},
};
use tracing::{info, warn};

use crate::{
    access::keys::{
        keeper::Keeper,
        orders::{Order, Orders},
    },
    delivery::lane::Lane,
    gateway::Gateway,
    ledger::{Bounds, planned_memory},
    metrics::Metrics,
    operators::{
        foresight,
        probe::{Probe, ProbeClient},
        run_operators,
    },
    runtime::vital,
    seats::Port,
    session::Shared,
    settings::Settings,
    worker::{Door, End, WorkerParts, run_worker},
};

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(ListenError),
}

impl From<ListenError> for StartError {
    fn from(error: ListenError) -> Self {
        match error {
            ListenError::Setting(error) => Self::Config(error),
            error => Self::Listen(error),
        }
    }
}

/// A gateway at work.
pub struct Running {
    /// Where clients reach it over HTTP.
    pub clients: Vec<SocketAddr>,
    /// Where clients reach it over TCP.
    pub tcp: Vec<SocketAddr>,
    /// Where clients reach it over HTTP with TLS.
    pub tls_clients: Vec<SocketAddr>,
    /// Where clients reach it over TCP with TLS.
    pub tls_tcp: Vec<SocketAddr>,
    /// Where operators and pusher-apis reach it.
    pub operators: Vec<SocketAddr>,
    gateway: Arc<Gateway>,
    orders: Orders,
    certificates: Option<ReadAgain>,
    stop_accepting: watch::Sender<bool>,
    end: watch::Sender<End>,
    drained: FuturesUnordered<oneshot::Receiver<()>>,
    arbiters: Vec<ArbiterHandle>,
    /// Reads the certificates of links again.
    link_tls: Option<ReadAgain>,
}

/// Bytes of answers that may wait in the kernel for an operator who does not read; links get more.
const OPERATORS_SEND_BUFFER: usize = 16 * 1024;
/// How long workers may take to say goodbye to everybody when there is no time: a pass over some
/// hundred thousand sessions.
const GOODBYES: Duration = Duration::from_secs(5);

/// Where a gateway is reached.
struct Ports {
    clients: Listeners,
    tcp: Listeners,
    tls_clients: Listeners,
    tls_tcp: Listeners,
    operators: Listeners,
}

impl Ports {
    fn bind(settings: &Settings, workers: usize) -> Result<Self, ListenError> {
        let options = Options {
            backlog: settings.backlog,
            keepalive: None,
            // Later than the session's own deadlines, so that these give the reason.
            user_timeout: settings.write_timeout.max(settings.ping_interval) * 2,
            send_buffer: Some(settings.send_buffer),
            receive_buffer: Some(settings.receive_buffer),
        };
        let watched = settings.ping_interval.max(Duration::from_secs(1));
        let by_kernel = Options { keepalive: Some(watched), ..options };
        let operators =
            Options { send_buffer: Some(OPERATORS_SEND_BUFFER), receive_buffer: None, ..by_kernel };
        let bind = |flag, ranges| Listeners::bind(flag, ranges, workers, options);
        Ok(Self {
            clients: bind("--listen", &settings.listen)?,
            tcp: bind("--listen-tcp", &settings.listen_tcp)?,
            tls_clients: bind("--tls-listen", &settings.tls_listen)?,
            tls_tcp: bind("--tls-listen-tcp", &settings.tls_listen_tcp)?,
            operators: Listeners::bind(
                "--listen-operators",
                &settings.listen_operators,
                1,
                operators,
            )?,
        })
    }

    /// Where clients come in at each worker. Proxies say in front of TLS whose connections are nowhere.
    fn doors(
        &mut self,
        settings: &Settings,
        workers: usize,
        shown: Option<&Arc<Kept<ServerSource>>>,
    ) -> Vec<Vec<Door>> {
        let proxied = |ranges: &[ListenRange]| -> Vec<bool> {
            let addresses = ranges.iter().flat_map(ListenRange::addresses);
            addresses.map(|address| settings.proxies.is_proxied(address)).collect()
        };
        let (http, tcp) = (proxied(&settings.listen), proxied(&settings.listen_tcp));
        let ways = [
            (Port::Http, None, http, &mut self.clients),
            (Port::Tcp, None, tcp, &mut self.tcp),
            (Port::Http, shown, Vec::new(), &mut self.tls_clients),
            (Port::Tcp, shown, Vec::new(), &mut self.tls_tcp),
        ];
        let mut doors: Vec<Vec<Door>> = (0..workers).map(|_| Vec::new()).collect();
        for (port, certificates, proxied, listeners) in ways {
            for (doors, listeners) in doors.iter_mut().zip(listeners.per_worker.drain(..)) {
                let proxied = proxied.iter().copied().chain(std::iter::repeat(false));
                doors.extend(listeners.into_iter().zip(proxied).map(|(listener, is_proxied)| {
                    Door { port, is_proxied, certificates: certificates.cloned(), listener }
                }));
            }
        }
        doors
    }
}

/// Starts a gateway; must be called inside an actix system.
///
/// # Errors
/// A setting is wrong or an address is taken; nothing is left running.
pub fn start(settings: Settings) -> Result<Running, StartError> {
    settings.validate()?;
    let keeper = Keeper::load(&settings)?;
    let shown = settings.shown()?.map(Kept::load).transpose()?;
    let link_tls = settings.link_tls.server()?.map(Kept::load).transpose()?;
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let mut ports = Ports::bind(&settings, workers)?;
    let name = settings.name.clone().unwrap_or_else(|| default_name(&ports.operators));
    let bounds = Bounds::of(&settings, planned_memory(&settings));
    let shared = Shared::new(settings, Arc::clone(&keeper.authenticator), bounds);
    let secrets = [&keeper.link_secrets, &keeper.operators_keys].map(Arc::clone);
    let gateway = Gateway::new(&shared, workers, name, secrets);
    let orders = keeper.orders.clone();
    keeper.start(&gateway.metrics);
    let certificates = shown.as_ref().map(|shown| keep_certificates(shown, &gateway.metrics));
    let (stop_accepting, stop) = watch::channel(false);
    let (probes, probe_clients) = mpsc::channel(workers);
    let mut running = Running {
        clients: ports.clients.addresses.clone(),
        tcp: ports.tcp.addresses.clone(),
        tls_clients: ports.tls_clients.addresses.clone(),
        tls_tcp: ports.tls_tcp.addresses.clone(),
        operators: ports.operators.addresses.clone(),
        gateway: Arc::clone(&gateway),
        orders,
        certificates,
        stop_accepting,
        end: watch::Sender::new(End::NotYet),
        drained: FuturesUnordered::new(),
        arbiters: Vec::new(),
        link_tls: link_tls.as_ref().map(|kept| keep(kept, &gateway.metrics)),
    };
    let doors = ports.doors(&shared.settings, workers, shown.as_ref());
    running.start_workers(&shared, doors, &stop, &probes);
    let probe = Probe::new(&gateway, workers);
    let listeners = ports.operators.per_worker.pop().unwrap_or_default();
    running
        .spawn("operators", || run_operators(gateway, probe, listeners, link_tls, probe_clients));
    running.log_addresses();
    if running.gateway.authenticator.is_open() {
        warn!("no keys: whoever reaches these ports is let in; put no proxy in front");
    }
    let Gateway { admission, settings, .. } = &*running.gateway;
    match settings.max_sessions {
        0 => foresight::spawn(admission.max_sessions(), false),
        wanted => foresight::spawn(wanted, true),
    }
    Ok(running)
}

impl Running {
    fn start_workers(
        &mut self,
        shared: &Shared,
        doors: Vec<Vec<Door>>,
        stop: &watch::Receiver<bool>,
        probes: &mpsc::Sender<ProbeClient>,
    ) {
        let room = self.gateway.room;
        shared.metrics.pending_bytes_limit.set(room.bytes as i64);
        let lanes: Vec<_> = (0..doors.len()).map(|worker| Arc::new(Lane::new(worker))).collect();
        shared.fan_out.set_lanes(lanes.clone());
        for (doors, lane) in doors.into_iter().zip(lanes) {
            let (done, drained) = oneshot::channel();
            self.drained.push(drained);
            let parts = WorkerParts {
                shared: shared.clone(),
                admission: Arc::clone(&self.gateway.admission),
                room,
                accepting: Arc::clone(&self.gateway.accepting),
                lane,
                doors,
                recalls: self.gateway.recalls.hear(),
                stop: stop.clone(),
                end: self.end.subscribe(),
                drained: done,
                probes: probes.clone(),
            };
            self.spawn("worker", || run_worker(parts));
        }
    }

    /// Runs `work`, which has a name for the log, on a thread of its own.
    fn spawn<F: Future<Output = ()> + 'static>(
        &mut self,
        name: &'static str,
        work: impl FnOnce() -> F + Send + 'static,
    ) {
        let arbiter = Arbiter::new();
        arbiter.spawn_fn(move || vital::spawn(name, work()));
        self.arbiters.push(arbiter.handle());
    }

    fn log_addresses(&self) {
        let Self { clients, tcp, tls_clients, tls_tcp, operators, gateway, .. } = self;
        info!(name = gateway.name, ?clients, ?tcp, ?operators, "gateway listening");
        if !tls_clients.is_empty() || !tls_tcp.is_empty() {
            info!(clients = ?tls_clients, tcp = ?tls_tcp, "gateway listening with TLS");
        }
    }

    /// Reads keys, secrets and certificates again, whether their files have changed or not.
    pub fn read_again(&self) {
        self.orders.give(Order::ReadAgain);
        self.link_tls.iter().for_each(ReadAgain::ask);
        if let Some(certificates) = &self.certificates {
            certificates.ask();
        }
    }

    /// Says that it is not ready, and takes clients for another `--drain-wait`; then takes none, and
    /// closes the sessions spread over `--drain`. Pushes are delivered to those that are left.
    pub async fn drain(&mut self) {
        self.gateway.admission.start_leaving();
        let wait = self.gateway.settings.drain_wait;
        if !wait.is_zero() {
            info!(?wait, "not ready; clients are still taken");
            sleep(wait).await;
        }
        info!(sessions = self.gateway.metrics.all_sessions(), "draining");
        self.end(End::Draining).await;
        info!(sessions = self.gateway.metrics.all_sessions(), "drained");
    }

    /// Says goodbye to every session at once, as far as that takes no waiting: for who cannot wait for
    /// the end of [`Self::drain`].
    pub async fn say_goodbye(&mut self) {
        if timeout(GOODBYES, self.end(End::Now)).await.is_err() {
            warn!(sessions = self.gateway.metrics.all_sessions(), "sessions are cut off");
        }
    }

    async fn end(&mut self, end: End) {
        self.gateway.admission.start_draining();
        // The receivers live as long as the workers.
        let _ = self.stop_accepting.send(true);
        self.end.send_replace(end);
        while self.drained.next().await.is_some() {}
    }

    /// Ends the threads, whatever sessions are left.
    pub fn stop(self) {
        for arbiter in self.arbiters {
            arbiter.stop();
        }
    }
}

/// Keeps the certificates of links up to date.
fn keep(kept: &Arc<Kept<ServerSource>>, metrics: &Arc<Metrics>) -> ReadAgain {
    let metrics = Arc::clone(metrics);
    metrics.operators.show_certificates(&kept.now());
    kept.keep(move |shown, is_good| {
        metrics.key_reloads.count(LINK_SOURCE, is_good);
        metrics.operators.show_certificates(shown);
    })
}

/// Has the certificates read again when their files change; sessions go on with what they began with.
fn keep_certificates(shown: &Arc<Kept<ServerSource>>, metrics: &Arc<Metrics>) -> ReadAgain {
    metrics.tls.show(&shown.now().certificates);
    let metrics = Arc::clone(metrics);
    shown.keep(move |server, is_good| {
        metrics.key_reloads.count("certificates", is_good);
        metrics.tls.show(&server.certificates);
    })
}

/// Host name and operators' port: unique enough for people who look at several gateways.
fn default_name(operators: &Listeners) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let port = operators.addresses.first().map_or(0, SocketAddr::port);
    format!("{}:{port}", host.trim())
}
