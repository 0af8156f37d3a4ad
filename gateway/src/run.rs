//! Starts a gateway's threads and stops them again.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use ::settings::ConfigError;
use actix_rt::{Arbiter, ArbiterHandle};
use bytes::BytesMut;
use futures::future::join_all;
use prometheus::IntGauge;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep,
};
use tracing::{debug, error, info};

use crate::{
    accept::{Pending, PendingGuard, accept},
    arrivals::{Arrival, Arrivals},
    begun::BegunStream,
    broadcast::Recent,
    foresight,
    gateway::{Gateway, Keys, ticks},
    http::Serve,
    listen::{ListenError, Listeners, Options},
    memory::MemoryCheck,
    operators,
    probe::{self, Probe, ProbeClient},
    settings::Settings,
    timer::Timer,
    transports::Transport,
    wheel::{NEVER, TICK},
    worker::Worker,
};

/// How often late gates, and the memory that is left, are looked at.
const CHECK: Duration = Duration::from_millis(250);

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
}

/// A gateway at work.
pub struct Running {
    /// Where clients reach it over HTTP.
    pub clients: Vec<SocketAddr>,
    /// Where clients reach it over TCP.
    pub tcp: Vec<SocketAddr>,
    /// Where operators and pusher-apis reach it.
    pub operators: Vec<SocketAddr>,
    gateway: Arc<Gateway>,
    stop_accepting: watch::Sender<bool>,
    drained: Vec<oneshot::Receiver<()>>,
    arbiters: Vec<ArbiterHandle>,
}

/// What one worker thread is given.
struct WorkerParts {
    index: usize,
    gateway: Arc<Gateway>,
    recent: Arc<Recent>,
    http: Vec<TcpListener>,
    tcp: Vec<TcpListener>,
    stop: watch::Receiver<bool>,
    drained: oneshot::Sender<()>,
    probes: mpsc::Sender<ProbeClient>,
}

/// Starts a gateway; must be called inside an actix system.
///
/// # Errors
/// A setting is wrong or an address is taken; nothing is left running.
pub fn start(settings: Settings) -> Result<Running, StartError> {
    settings.validate()?;
    let keys = Keys::load(&settings)?;
    let workers = match settings.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => count,
    };
    let options = Options {
        backlog: settings.backlog,
        keepalive: None,
        // Later than the session's own deadline, so that this one gives the reason.
        user_timeout: settings.write_timeout * 2,
    };
    let http = Listeners::bind(&settings.listen, workers, options)?;
    let watched = settings.ping_interval.max(Duration::from_secs(1));
    let options = Options { keepalive: Some(watched), ..options };
    let tcp = Listeners::bind(&settings.listen_tcp, workers, options)?;
    let mut operators = Listeners::bind(&settings.listen_operators, 1, options)?;
    let name = settings.name.clone().unwrap_or_else(|| default_name(&operators));
    let gateway = Gateway::new(settings, name, keys);
    let probe = Probe::new(&gateway, workers);
    let (stop_accepting, stop) = watch::channel(false);
    let (probes, clients) = mpsc::channel(workers);

    let mut running = Running {
        clients: http.addresses.clone(),
        tcp: tcp.addresses.clone(),
        operators: operators.addresses.clone(),
        gateway: Arc::clone(&gateway),
        stop_accepting,
        drained: Vec::new(),
        arbiters: Vec::new(),
    };
    let recent: Vec<_> = (0..workers).map(|_| Arc::<Recent>::default()).collect();
    gateway.broadcasts.set_workers(recent.clone());
    for (index, (http, tcp)) in http.per_worker.into_iter().zip(tcp.per_worker).enumerate() {
        let (done, drained) = oneshot::channel();
        running.drained.push(drained);
        let parts = WorkerParts {
            index,
            gateway: Arc::clone(&gateway),
            recent: Arc::clone(&recent[index]),
            http,
            tcp,
            stop: stop.clone(),
            drained: done,
            probes: probes.clone(),
        };
        running.spawn(|| run_worker(parts));
    }
    let listeners = operators.per_worker.pop().unwrap_or_default();
    running.spawn(|| run_operators(gateway, probe, listeners, clients));
    running.log_addresses();
    foresight::spawn(&running.gateway);
    Ok(running)
}

impl Running {
    /// Runs `work` on a thread of its own.
    fn spawn<F: Future<Output = ()> + 'static>(
        &mut self,
        work: impl FnOnce() -> F + Send + 'static,
    ) {
        let arbiter = Arbiter::new();
        arbiter.spawn_fn(|| drop(actix_rt::spawn(work())));
        self.arbiters.push(arbiter.handle());
    }

    fn log_addresses(&self) {
        let Self { clients, tcp, operators, gateway, .. } = self;
        info!(name = gateway.name, ?clients, ?tcp, ?operators, "gateway listening");
    }

    /// Takes no new clients, and closes the sessions spread over `--drain`. Pushes are delivered
    /// to those that are left.
    pub async fn drain(&mut self) {
        self.gateway.admission.start_draining();
        info!(sessions = self.gateway.metrics.all_sessions(), "draining");
        // The receivers live as long as the workers.
        let _ = self.stop_accepting.send(true);
        join_all(std::mem::take(&mut self.drained)).await;
        info!(sessions = self.gateway.metrics.all_sessions(), "drained");
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

async fn run_worker(parts: WorkerParts) {
    let WorkerParts { index, gateway, recent, http, tcp, mut stop, drained, probes } = parts;
    let made = Timer::every(TICK)
        .and_then(|timer| Worker::new(Arc::clone(&gateway), recent).map(|made| (timer, made)));
    let (timer, (worker, reactor)) = match made {
        Ok(made) => made,
        Err(error) => return error!(%error, "cannot start a worker"),
    };
    let arrivals = Rc::new(Arrivals::new(&worker).await);
    actix_rt::spawn(Rc::clone(&worker).run_sessions(reactor, Rc::clone(&arrivals)));
    actix_rt::spawn(Rc::clone(&worker).keep_time(timer, arrivals));
    if gateway.settings.measure_stalls {
        actix_rt::spawn(measure_stalls(Arc::clone(&gateway)));
    }
    actix_rt::spawn(Rc::clone(&worker).walk_broadcasts());
    probe::start(&worker, index, &probes);

    let pending = Pending::new(&gateway, gateway.metrics.pending.clone());
    for (transport, listeners) in [(Transport::WebSocket, http), (Transport::Tcp, tcp)] {
        for listener in listeners {
            let worker = Rc::clone(&worker);
            let arrive = move |socket, guard| {
                let deadline = worker.tick() + ticks(worker.gateway.settings.handshake_timeout);
                worker.arrive(Arrival { socket, transport, deadline, due: NEVER, guard });
            };
            spawn_accept(listener, &pending, arrive, &stop);
        }
    }

    // Ends also when the gateway is dropped without draining.
    if stop.wait_for(|stop| *stop).await.is_ok() {
        let settings = &gateway.settings;
        worker.drain(settings.drain, settings.close_timeout).await;
    }
    // Nobody waits any more if the gateway is being stopped.
    let _ = drained.send(());
}

/// Shows the longest time in which this thread gave a timer of 1 ms no chance.
async fn measure_stalls(gateway: Arc<Gateway>) {
    const STEP: Duration = Duration::from_millis(1);
    let mut last = Instant::now();
    loop {
        sleep(STEP).await;
        let now = Instant::now();
        gateway.metrics.stall((now - last).saturating_sub(STEP));
        last = now;
    }
}

fn spawn_accept(
    listener: TcpListener,
    pending: &Rc<Pending>,
    arrive: impl Fn(TcpStream, PendingGuard) + 'static,
    stop: &watch::Receiver<bool>,
) {
    let accepting = accept(listener, Rc::clone(pending), arrive, stop.clone());
    actix_rt::spawn(async {
        if let Err(error) = accepting.await {
            error!(%error, "cannot wait for connections");
        }
    });
}

async fn serve_operator(serve: Serve, socket: TcpStream, guard: PendingGuard) {
    let peer = socket.peer_addr();
    match (tokio::net::TcpStream::from_std(socket), peer) {
        (Ok(socket), Ok(peer)) => serve(BegunStream::new(socket, BytesMut::new()), peer).await,
        (Err(error), _) | (_, Err(error)) => debug!(%error, "operator's connection lost"),
    }
    drop(guard);
}

/// Operators' connections wait for no handshake.
fn unshown() -> IntGauge {
    IntGauge::new("operators", "Connections of operators").expect("a constant name that fits")
}

/// Serves operators and links, on a thread of its own, so that it answers however busy the
/// workers are.
async fn run_operators(
    gateway: Arc<Gateway>,
    probe: Arc<Probe>,
    listeners: Vec<TcpListener>,
    clients: mpsc::Receiver<ProbeClient>,
) {
    let serve = operators::service(&gateway, &probe).await;
    let pending = Pending::new(&gateway, unshown());
    // Operators are served to the end.
    let (_keep, stop) = watch::channel(false);
    for listener in listeners {
        let serve = Rc::clone(&serve);
        let arrive = move |socket, guard| {
            drop(actix_rt::spawn(serve_operator(Rc::clone(&serve), socket, guard)))
        };
        spawn_accept(listener, &pending, arrive, &stop);
    }
    actix_rt::spawn(probe.run(clients));
    let mut checks = match Timer::every(CHECK) {
        Ok(checks) => checks,
        Err(error) => return error!(%error, "cannot start the thread for operators"),
    };
    let mut memory = MemoryCheck::default();
    while checks.next().await.is_ok() {
        memory.look(&gateway);
        let late = gateway.presence.open_late_gates();
        gateway.metrics.unconfirmed_hellos.inc_by(late as u64);
    }
}
