//! One worker's thread, from its start to its end.

use std::{
    io,
    net::TcpListener,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use certificates::{Kept, ServerSource};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep,
};
use tracing::error;

use super::{
    drain::{End, end_sessions},
    moving::{Handover, Share, give_away},
    recall,
    run::{keep_time, make_room, run_sessions},
    walk::walk,
    welcome,
};
use crate::{
    access::{
        accepting::Accepting,
        admission::Admission,
        pending::{Pending, Room},
        recalls::Order,
    },
    delivery::lane::Lane,
    entrance::{accept::spawn_accept, arrivals::Arrivals, handshake::Doorway},
    metrics::Metrics,
    operators::probe::{self, ProbeClient},
    runtime::{reactor::Reactor, timer::Timer, vital, wheel::TICK},
    seats::{Port, Seats},
    session::{Local, Shared},
    tls::{Socket, Tls},
};

/// Where clients come in.
pub(crate) struct Door {
    /// What is spoken there.
    pub port: Port,
    /// Whether proxies connect to it, and say whose their connections are.
    pub is_proxied: bool,
    /// What is shown there, where TLS is.
    pub certificates: Option<Arc<Kept<ServerSource>>>,
    /// The socket.
    pub listener: TcpListener,
}

impl Door {
    /// What a new connection begins with.
    fn tls(port: Port, certificates: &Kept<ServerSource>) -> Box<Tls> {
        let server = certificates.now();
        Tls::new(Arc::clone(match port {
            Port::Http | Port::WebSocket => &server.http,
            Port::Tcp => &server.unnamed,
        }))
    }
}

/// What one worker's thread is given.
pub(crate) struct WorkerParts {
    /// What the sessions of all threads share.
    pub shared: Shared,
    /// Whether there is room for more sessions.
    pub admission: Arc<Admission>,
    /// The room for connections that are none, on all threads.
    pub room: Room,
    /// Whether connections can be accepted.
    pub accepting: Arc<Accepting>,
    /// Where fan-outs come in for this thread.
    pub lane: Arc<Lane>,
    /// Where clients come in.
    pub doors: Vec<Door>,
    /// Who here is asked to come back.
    pub recalls: watch::Receiver<Option<Arc<Order>>>,
    /// Turns true when nobody else shall come in.
    pub stop: watch::Receiver<bool>,
    /// How those who are here shall go.
    pub end: watch::Receiver<End>,
    /// Told when they have gone.
    pub drained: oneshot::Sender<()>,
    /// Takes the client's end of this thread's probe.
    pub probes: mpsc::Sender<ProbeClient>,
    /// What it has of the process before this one.
    pub share: Option<Share>,
    /// Takeovers by the next one.
    pub handovers: mpsc::UnboundedReceiver<Arc<Handover>>,
}

/// Holds sessions until they are drained; inside the thread's runtime.
pub(crate) async fn run_worker(parts: WorkerParts) {
    let WorkerParts { shared, admission, room, accepting, lane, doors, .. } = parts;
    let (stop, mut end, drained, probes) = (parts.stop, parts.end, parts.drained, parts.probes);
    let (seats, reactor, timer) = match prepare(&shared, lane) {
        Ok(made) => made,
        Err(error) => return error!(%error, "cannot start a worker"),
    };
    let pending = Pending::new(room, &admission, shared.clock, &shared.metrics);
    let doorway = Doorway { seats: Rc::clone(&seats), admission };
    let arrivals = Rc::new(Arrivals::new(doorway, pending));
    if let Some(share) = parts.share {
        share.take_up(&seats, &arrivals);
    }
    let (of_seats, of_arrivals) = (Rc::clone(&seats), Rc::clone(&arrivals));
    vital::spawn("handovers", give_away(of_seats, of_arrivals, parts.handovers));
    vital::spawn("sessions", run_sessions(Rc::clone(&seats), reactor, Rc::clone(&arrivals)));
    vital::spawn("time", keep_time(Rc::clone(&seats), timer, Rc::clone(&arrivals)));
    vital::spawn("room", make_room(Rc::clone(&seats)));
    if shared.settings.measure_stalls {
        actix_rt::spawn(measure_stalls(Arc::clone(&shared.metrics)));
    }
    vital::spawn("walks", walk(Rc::clone(&seats)));
    let (recalled, orders) = (Rc::clone(&seats), parts.recalls);
    vital::spawn("recalls", async move { recall::obey(&recalled, orders).await });
    probe::start(&seats, &probes);
    accept_clients(&seats, &arrivals, doors, &accepting, &stop);

    // Ends also when the gateway is dropped without draining.
    if end.wait_for(|end| *end > End::NotYet).await.is_ok() {
        welcome::clear(&seats, &arrivals).await;
        end_sessions(&seats, end, shared.settings.drain, shared.settings.close_timeout).await;
    }
    // Nobody waits any more if the gateway is being stopped.
    let _ = drained.send(());
}

fn prepare(shared: &Shared, lane: Arc<Lane>) -> io::Result<(Rc<Seats>, Reactor, Timer)> {
    let timer = Timer::every(TICK)?;
    let local = Rc::new(Local::new(shared.clone(), lane));
    let reactor = Reactor::new()?;
    Ok((Seats::new(local, reactor.sockets()), reactor, timer))
}

fn accept_clients(
    seats: &Rc<Seats>,
    arrivals: &Rc<Arrivals>,
    doors: Vec<Door>,
    accepting: &Arc<Accepting>,
    stop: &watch::Receiver<bool>,
) {
    for Door { port, is_proxied, certificates, listener } in doors {
        let (seats, arrivals) = (Rc::clone(seats), Rc::clone(arrivals));
        let pending = Rc::clone(arrivals.pending());
        let place = async move || pending.place().await;
        let arrive = move |stream| {
            if is_proxied && !arrivals.is_trusted(&stream) {
                return Ok(());
            }
            let tls = certificates.as_deref().map(|it| Door::tls(port, it));
            let socket = Socket { stream, tls };
            let local = &seats.local;
            let deadline = local.clock.tick_after(local.settings.handshake_timeout);
            seats.arrive(socket, (port, is_proxied), deadline, arrivals.pending())?;
            welcome::make_room(&seats, &arrivals);
            Ok(())
        };
        spawn_accept(listener, accepting, place, arrive, stop);
    }
}

/// Shows the longest time in which this thread gave a timer of 1 ms no chance.
async fn measure_stalls(metrics: Arc<Metrics>) {
    const STEP: Duration = Duration::from_millis(1);
    let mut last = Instant::now();
    loop {
        sleep(STEP).await;
        let now = Instant::now();
        metrics.stall((now - last).saturating_sub(STEP));
        last = now;
    }
}
