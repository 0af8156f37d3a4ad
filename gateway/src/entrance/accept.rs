//! Takes connections off the accept queue, as long as there is room for their handshakes.

use std::{
    io,
    net::{TcpListener, TcpStream},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use rustix::net::{SocketFlags, accept_with};
use tokio::{io::unix::AsyncFd, sync::watch};
use tracing::{error, info, warn};

use crate::{
    access::pending::{Pending, PendingGuard},
    metrics::Metrics,
    runtime::reactor,
};

/// How long accepting pauses when the process or the machine is out of something. The connections
/// wait in the accept queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections on a task of its own and gives them to `arrive`, until `stop` turns true.
pub(crate) fn spawn_accept(
    listener: TcpListener,
    pending: &Rc<Pending>,
    metrics: &Arc<Metrics>,
    arrive: impl Fn(TcpStream, PendingGuard) + 'static,
    stop: &watch::Receiver<bool>,
) {
    let (pending, metrics, stop) = (Rc::clone(pending), Arc::clone(metrics), stop.clone());
    actix_rt::spawn(async move {
        if let Err(error) = accept(listener, &pending, &metrics, arrive, stop).await {
            error!(%error, "cannot wait for connections");
        }
    });
}

async fn accept(
    listener: TcpListener,
    pending: &Rc<Pending>,
    metrics: &Metrics,
    arrive: impl Fn(TcpStream, PendingGuard),
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = reactor::readable(listener)?;
    let mut failures = Failures::default();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            accepted = async { pending.room().await; accept_one(&listener).await } => accepted,
        };
        match accepted {
            Ok(socket) => {
                failures.end();
                arrive(socket, pending.add());
            }
            Err(error) => {
                metrics.accept_error(&error);
                if failures.is_shortage(&error) {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn accept_one(listener: &AsyncFd<TcpListener>) -> io::Result<TcpStream> {
    loop {
        let mut ready = listener.readable().await?;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // No address: few want it, and they can ask for it.
        if let Ok(accepted) = ready.try_io(|listener| Ok(accept_with(listener, flags)?)) {
            return accepted.map(TcpStream::from);
        }
    }
}

/// A run of failed accepts, logged once at its beginning and once at its end.
#[derive(Default)]
struct Failures(u64);

impl Failures {
    /// Whether the error will come again at once because something has run out, as opposed to one
    /// connection being broken (accept(2), "Error handling").
    fn is_shortage(&mut self, error: &io::Error) -> bool {
        let broken = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        );
        if broken {
            return false;
        }
        if self.0 == 0 {
            warn!(%error, "cannot accept connections; they wait in the accept queue");
        }
        self.0 += 1;
        true
    }

    fn end(&mut self) {
        if self.0 > 0 {
            info!(failures = self.0, "accepting connections again");
            self.0 = 0;
        }
    }
}
