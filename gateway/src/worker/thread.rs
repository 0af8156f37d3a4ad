//! One worker's thread, from its start to its end.

use std::{
    io,
    net::TcpListener,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    time::sleep,
};
use tracing::error;

use super::{
    drain::drain,
    run::{keep_time, run_sessions},
    walk::walk,
};
use crate::{
    access::{admission::Admission, pending::Pending},
    delivery::lane::Lane,
    entrance::{accept::spawn_accept, arrivals::Arrivals, handshake::Doorway},
    metrics::Metrics,
    operators::probe::{self, ProbeClient},
    runtime::{
        clock::ticks,
        reactor::Reactor,
        timer::Timer,
        vital,
        wheel::{NEVER, TICK},
    },
    seats::{Arrival, Port, Seats},
    session::{Local, Shared},
};

/// What one worker's thread is given.
pub(crate) struct WorkerParts {
    /// What the sessions of all threads share.
    pub shared: Shared,
    /// Whether there is room for more sessions.
    pub admission: Arc<Admission>,
    /// Where fan-outs come in for this thread.
    pub lane: Arc<Lane>,
    /// Where clients come in.
    pub listeners: Vec<(Port, TcpListener)>,
    /// Turns true when nobody else shall come in and those who are here shall go.
    pub stop: watch::Receiver<bool>,
    /// Told when they have gone.
    pub drained: oneshot::Sender<()>,
    /// Takes the client's end of this thread's probe.
    pub probes: mpsc::Sender<ProbeClient>,
}

/// Holds sessions until they are drained; inside the thread's runtime.
pub(crate) async fn run_worker(parts: WorkerParts) {
    let WorkerParts { shared, admission, lane, listeners, mut stop, drained, probes } = parts;
    let (seats, reactor, timer) = match prepare(&shared, lane) {
        Ok(made) => made,
        Err(error) => return error!(%error, "cannot start a worker"),
    };
    let arrivals = Arrivals::new(Doorway { seats: Rc::clone(&seats), admission }).await;
    vital::spawn("sessions", run_sessions(Rc::clone(&seats), reactor, Rc::clone(&arrivals)));
    vital::spawn("time", keep_time(Rc::clone(&seats), timer, arrivals));
    if shared.settings.measure_stalls {
        actix_rt::spawn(measure_stalls(Arc::clone(&shared.metrics)));
    }
    vital::spawn("walks", walk(Rc::clone(&seats)));
    probe::start(&seats, &probes);
    accept_clients(&seats, listeners, &stop);

    // Ends also when the gateway is dropped without draining.
    if stop.wait_for(|stop| *stop).await.is_ok() {
        drain(&seats, shared.settings.drain, shared.settings.close_timeout).await;
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
    listeners: Vec<(Port, TcpListener)>,
    stop: &watch::Receiver<bool>,
) {
    let local = &seats.local;
    let (shown, pauses) = (local.metrics.pending.clone(), local.metrics.accept_pauses.clone());
    let pending = Pending::new(local.settings.max_pending, shown, pauses);
    for (port, listener) in listeners {
        let seats = Rc::clone(seats);
        let metrics = Arc::clone(&local.metrics);
        let arrive = move |socket, guard| {
            let local = &seats.local;
            let deadline = local.tick() + ticks(local.settings.handshake_timeout);
            seats.arrive(Arrival { socket, port, deadline, due: NEVER, guard });
        };
        spawn_accept(listener, &pending, &metrics, arrive, stop);
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
