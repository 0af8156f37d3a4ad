//! Starts a gateway's threads and stops them again.

use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use ::settings::ConfigError;
use actix_rt::{Arbiter, ArbiterHandle};
use certificates::ReadAgain;
use futures::{StreamExt, stream::FuturesUnordered};
use parking_lot::Mutex;
use serving::listen::{ListenError, Listeners};
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
    handover::{place::Place, records::ListenerRecord},
    ledger::{Bounds, planned_memory},
    operators::{
        foresight,
        probe::{Probe, ProbeClient},
        run_operators,
    },
    ports::Ports,
    runtime::vital,
    session::Shared,
    settings::Settings,
    shown::Shown,
    takeover::{
        asking::ask,
        predecessor::{Copies, Predecessor},
        refusal::TakeoverError,
        successor::Offer,
    },
    worker::{Door, End, Handover, Share, WorkerParts, run_worker},
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
    /// The running gateway does not give its sessions, and goes on.
    #[error("--takeover: {0}")]
    Takeover(#[from] TakeoverError),
    /// No successor could be waited for.
    #[error("--takeover: cannot wait for a successor: {0}")]
    Place(String),
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
    /// Read certificates again.
    certificates: Vec<ReadAgain>,
    stop_accepting: watch::Sender<bool>,
    end: watch::Sender<End>,
    drained: FuturesUnordered<oneshot::Receiver<()>>,
    arbiters: Vec<ArbiterHandle>,
    /// What a successor is given to listen with.
    copies: Copies,
    /// Where a successor finds it.
    place: Option<Arc<Place>>,
    /// The successor, once it has everything.
    moved: watch::Sender<Option<i32>>,
}

/// How long workers may take to say goodbye to everybody when there is no time: a pass over some
/// hundred thousand sessions.
const GOODBYES: Duration = Duration::from_secs(5);

/// Starts a gateway; must be called inside an actix system. With `--takeover` it takes the place of the one that
/// waits there, if one does, and waits there itself.
///
/// # Errors
/// A setting is wrong, an address is taken, or the running gateway does not give its sessions; nothing is left running,
/// and that one goes on.
pub fn start(settings: Settings) -> Result<Running, StartError> {
    settings.validate()?;
    let keeper = Keeper::load(&settings)?;
    let shown = Shown::load(&settings)?;
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let path = settings.takeover.clone();
    let mut offer = match &path {
        Some(path) => ask(path, &settings, &keeper.link_secrets)?,
        None => None,
    };
    // Whatever may fail does so before the offer is taken.
    let ports = Ports::bind(&settings, workers, |flag| {
        offer.as_mut().map_or_else(Vec::new, |offer| offer.listeners(flag))
    })?;
    let system = |error: std::io::Error| StartError::Place(error.to_string());
    let place = path.as_deref().map(Place::open).transpose().map_err(system)?;
    let copies = if place.is_some() { ports.copies().map_err(system)? } else { Vec::new() };
    if let Some(offer) = &mut offer {
        offer.take()?;
    }
    let parts = Parts { ports, shown, workers, place, copies, offer };
    Ok(Running::start(settings, keeper, parts))
}

/// What a gateway is made of that may be another process's.
struct Parts {
    ports: Ports,
    shown: Shown,
    workers: usize,
    place: Option<Place>,
    copies: Vec<(ListenerRecord, TcpListener)>,
    offer: Option<Offer>,
}

impl Running {
    fn start(settings: Settings, keeper: Keeper, parts: Parts) -> Self {
        let Parts { mut ports, shown, workers, place, copies, mut offer } = parts;
        let name = settings.name.clone().unwrap_or_else(|| default_name(&ports.operators));
        let bounds = Bounds::of(&settings, planned_memory(&settings));
        let mut shared = Shared::new(settings, Arc::clone(&keeper.authenticator), bounds);
        let inherited = offer.as_mut().map(|it| it.inherit(&mut shared)).unwrap_or_default();
        let secrets = [&keeper.link_secrets, &keeper.operators_keys].map(Arc::clone);
        let gateway = Gateway::new(&shared, workers, name, secrets, inherited);
        let mut running = Self {
            certificates: shown.keep(&gateway.metrics),
            copies: Arc::new(Mutex::new(copies)),
            place: place.map(Arc::new),
            ..Self::without_threads(&gateway, &ports, keeper.orders.clone())
        };
        keeper.start(&gateway.metrics);
        let stop = running.stop_accepting.subscribe();
        let (probes, probe_clients) = mpsc::channel(workers);
        let doors = ports.doors(&shared.settings, workers, shown.to_clients.as_ref());
        let (shares, taking_up) = match offer {
            Some(offer) => offer.shares(&shared, &gateway.admission, workers),
            None => Default::default(),
        };
        let handovers = running.start_workers(&shared, doors, &stop, &probes, shares);
        // Before links come, which are told who is here.
        taking_up.into_iter().for_each(|taking_up| taking_up.wait(&gateway.metrics));
        let probe = Probe::new(&gateway, workers);
        let listeners = ports.operators.per_worker.pop().unwrap_or_default();
        let tls = shown.on_links;
        running.spawn("operators", || run_operators(gateway, probe, listeners, tls, probe_clients));
        running.await_successor(handovers);
        running.say_how_it_is();
        running
    }

    /// One that does nothing yet.
    fn without_threads(gateway: &Arc<Gateway>, ports: &Ports, orders: Orders) -> Self {
        Self {
            clients: ports.clients.addresses.clone(),
            tcp: ports.tcp.addresses.clone(),
            tls_clients: ports.tls_clients.addresses.clone(),
            tls_tcp: ports.tls_tcp.addresses.clone(),
            operators: ports.operators.addresses.clone(),
            gateway: Arc::clone(gateway),
            orders,
            certificates: Vec::new(),
            stop_accepting: watch::Sender::new(false),
            end: watch::Sender::new(End::NotYet),
            drained: FuturesUnordered::new(),
            arbiters: Vec::new(),
            copies: Copies::default(),
            place: None,
            moved: watch::Sender::new(None),
        }
    }

    /// Waits for the next process, where that is to find this one.
    fn await_successor(&self, workers: Vec<mpsc::UnboundedSender<Arc<Handover>>>) {
        let (place, links) = (self.place.clone(), self.arbiters.last().cloned());
        let (Some(place), Some(links)) = (place, links) else { return };
        let published = place.publish().and_then(|()| {
            let (gateway, listeners) = (Arc::clone(&self.gateway), Arc::clone(&self.copies));
            let (moved, stop_accepting) = (self.moved.clone(), self.stop_accepting.clone());
            let predecessor =
                Predecessor { gateway, place, workers, links, listeners, stop_accepting, moved };
            predecessor.spawn()
        });
        if let Err(error) = published {
            warn!(%error, "no successor can take over: --takeover cannot be waited at");
        }
    }

    /// Says in the log what operators want to know of a start.
    fn say_how_it_is(&self) {
        self.log_addresses();
        let Gateway { admission, settings, authenticator, .. } = &*self.gateway;
        if authenticator.is_open() {
            warn!("no keys: whoever reaches these ports is let in; put no proxy in front");
        }
        match settings.max_sessions {
            0 => foresight::spawn(admission.max_sessions(), settings.takes_tls(), false),
            wanted => foresight::spawn(wanted, settings.takes_tls(), true),
        }
    }
}

impl Running {
    fn start_workers(
        &mut self,
        shared: &Shared,
        doors: Vec<Vec<Door>>,
        stop: &watch::Receiver<bool>,
        probes: &mpsc::Sender<ProbeClient>,
        mut shares: VecDeque<Share>,
    ) -> Vec<mpsc::UnboundedSender<Arc<Handover>>> {
        let mut handovers = Vec::with_capacity(doors.len());
        let room = self.gateway.room;
        shared.metrics.pending_bytes_limit.set(room.bytes as i64);
        let lanes: Vec<_> = (0..doors.len()).map(|worker| Arc::new(Lane::new(worker))).collect();
        shared.fan_out.set_lanes(lanes.clone());
        for (doors, lane) in doors.into_iter().zip(lanes) {
            let (done, drained) = oneshot::channel();
            self.drained.push(drained);
            let (give, take) = mpsc::unbounded_channel();
            handovers.push(give);
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
                share: shares.pop_front(),
                handovers: take,
            };
            self.spawn("worker", || run_worker(parts));
        }
        handovers
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

    /// Waits until another process has taken everything over, and says which. What is left to do is
    /// [`Self::drain_rest`].
    pub async fn moved(&self) -> u32 {
        let mut moved = self.moved.subscribe();
        // The sender lives as long as this does.
        let successor = moved.wait_for(Option::is_some).await.ok().and_then(|it| *it);
        successor.and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default()
    }

    /// Closes the sessions that another process could not take, spread over `--drain`, or less where that is long.
    pub async fn drain_rest(&mut self) {
        self.end(End::Left).await;
    }

    /// Reads keys, secrets and certificates again, whether their files have changed or not.
    pub fn read_again(&self) {
        self.orders.give(Order::ReadAgain);
        self.certificates.iter().for_each(ReadAgain::ask);
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
        // So that nobody else comes in.
        self.stop_accepting.send_replace(true);
        // Else whoever comes would wait for somebody to take them.
        self.copies.lock().clear();
        self.place.iter().for_each(|place| place.withdraw());
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

/// Host name and operators' port: unique enough for people who look at several gateways.
fn default_name(operators: &Listeners) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let port = operators.addresses.first().map_or(0, SocketAddr::port);
    format!("{}:{port}", host.trim())
}
