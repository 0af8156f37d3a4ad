//! The thread of operators and links.

use std::{
    net::{TcpListener, TcpStream},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use prometheus::IntGauge;
use tokio::sync::{mpsc, watch};
use tracing::{debug, error};

use super::{
    memory::MemoryCheck,
    port,
    probe::{Probe, ProbeClient},
};
use crate::{
    access::pending::{Pending, PendingGuard},
    entrance::accept::spawn_accept,
    gateway::Gateway,
    http::{begun::BegunStream, serve::Serve},
    runtime::timer::Timer,
};

/// How often late gates, and the memory that is left, are looked at.
const CHECK: Duration = Duration::from_millis(250);

/// Serves operators and links, on a thread of its own, so that it answers however busy the
/// workers are.
pub(crate) async fn run_operators(
    gateway: Arc<Gateway>,
    probe: Arc<Probe>,
    listeners: Vec<TcpListener>,
    clients: mpsc::Receiver<ProbeClient>,
) {
    let serve = port::service(&gateway, &probe).await;
    let (limit, pauses) = (gateway.settings.max_pending, gateway.metrics.accept_pauses.clone());
    let pending = Pending::new(limit, unshown(), pauses);
    // Operators are served to the end.
    let (_keep, stop) = watch::channel(false);
    for listener in listeners {
        let serve = Rc::clone(&serve);
        let arrive = move |socket, guard| {
            drop(actix_rt::spawn(serve_operator(Rc::clone(&serve), socket, guard)))
        };
        spawn_accept(listener, &pending, &gateway.metrics, arrive, &stop);
    }
    actix_rt::spawn(probe.run(clients));
    let mut checks = match Timer::every(CHECK) {
        Ok(checks) => checks,
        Err(error) => return error!(%error, "cannot start the thread for operators"),
    };
    let mut memory = MemoryCheck::default();
    while checks.next().await.is_ok() {
        memory.look(&gateway.admission, &gateway.metrics);
        let late = gateway.directory.presence.open_late_gates();
        gateway.metrics.unconfirmed_hellos.inc_by(late as u64);
    }
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
