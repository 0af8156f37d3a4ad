//! The thread of operators and links.

use std::{
    io,
    net::{TcpListener, TcpStream},
    rc::Rc,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use certificates::{Kept, ServerSource};
use serving::{
    accept::{Arrivals, accept},
    port::Port,
};
use tokio::sync::mpsc;
use tracing::error;

use super::{
    memory::MemoryCheck,
    port,
    probe::{Probe, ProbeClient},
    readiness::reasons,
};
use crate::{gateway::Gateway, link::keeping, runtime::timer::Timer};

/// How often late gates, and the memory that is left, are looked at.
const CHECK: Duration = Duration::from_millis(250);

/// Serves operators and links, on a thread of its own, so that it answers however busy the
/// workers are.
pub(crate) async fn run_operators(
    gateway: Arc<Gateway>,
    probe: Arc<Probe>,
    listeners: Vec<TcpListener>,
    tls: Option<Arc<Kept<ServerSource>>>,
    clients: mpsc::Receiver<ProbeClient>,
) {
    let port = Rc::new(port::open(&gateway, &probe).await);
    // Operators are served to the end.
    for listener in listeners {
        let (port, gateway, tls) = (Rc::clone(&port), Arc::clone(&gateway), tls.clone());
        let moved = Arc::clone(&gateway);
        let arrivals = ToPort { port, gateway, tls };
        actix_rt::spawn(async move {
            tokio::select! {
                biased;
                // Whoever comes is for the process that has taken over.
                () = moved.standstill.over() => {}
                Err(error) = accept(listener, arrivals) => {
                    error!(%error, "cannot wait for connections");
                }
            }
        });
    }
    actix_rt::spawn(Arc::clone(&probe).run(clients));
    keeping::spawn(&gateway);
    let mut checks = match Timer::every(CHECK) {
        Ok(checks) => checks,
        Err(error) => return error!(%error, "cannot start the thread for operators"),
    };
    let mut memory = MemoryCheck::default();
    while checks.next().await.is_ok() {
        memory.look(&gateway.admission, &gateway.ledger, &gateway.metrics);
        gateway.accepting.look();
        let is_ready = reasons(&gateway, &probe).iter().all(|reason| !reason.applies);
        gateway.is_ready.store(is_ready, Ordering::Relaxed);
        let (now, directory) = (Instant::now(), &gateway.directory);
        directory.relays.look(now);
        directory.stores.look(now);
        let late = directory.presence.open_late_gates(now);
        gateway.metrics.unconfirmed_hellos.inc_by(late as u64);
    }
}

/// Gives accepted connections to the port.
struct ToPort {
    port: Rc<Port>,
    gateway: Arc<Gateway>,
    /// What TLS is spoken with, if it is.
    tls: Option<Arc<Kept<ServerSource>>>,
}

impl Arrivals for ToPort {
    async fn arrive(&mut self, socket: TcpStream) {
        let tls = self.tls.as_ref().map(|tls| Arc::clone(&tls.now().http));
        self.port.serve(socket, tls, ()).await;
    }

    fn fail(&mut self, error: &io::Error, is_shortage: bool) -> bool {
        self.gateway.metrics.accept_error(error);
        is_shortage && self.port.make_room()
    }
}
