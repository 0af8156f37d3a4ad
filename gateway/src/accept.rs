//! Takes connections off the accept queue, as long as there is room for their handshakes.

use std::{
    cell::Cell,
    io,
    net::{TcpListener, TcpStream},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use prometheus::IntGauge;
use rustix::net::{SocketFlags, accept_with};
use tokio::{
    io::unix::AsyncFd,
    sync::{Notify, watch},
};
use tracing::{info, warn};

use crate::{gateway::Gateway, reactor};

/// How long accepting pauses when the process or the machine is out of something. The connections
/// wait in the accept queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Connections of one worker that are not sessions yet, against their limit.
pub struct Pending {
    count: Cell<usize>,
    limit: usize,
    fewer: Notify,
    gateway: Arc<Gateway>,
    /// Where they are shown.
    gauge: IntGauge,
}

/// Counts a connection as pending until it is dropped.
pub struct PendingGuard(Rc<Pending>);

impl Drop for PendingGuard {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.gauge.dec();
        self.0.fewer.notify_one();
    }
}

impl Pending {
    /// None yet. Those of clients are shown as handshakes, those of operators are not.
    pub fn new(gateway: &Arc<Gateway>, gauge: IntGauge) -> Rc<Self> {
        Rc::new(Self {
            count: Cell::new(0),
            limit: gateway.settings.max_pending,
            fewer: Notify::new(),
            gateway: Arc::clone(gateway),
            gauge,
        })
    }

    fn add(self: &Rc<Self>) -> PendingGuard {
        self.count.set(self.count.get() + 1);
        self.gauge.inc();
        PendingGuard(Rc::clone(self))
    }

    async fn room(&self) {
        if self.count.get() >= self.limit {
            self.gateway.metrics.accept_pauses.inc();
        }
        while self.count.get() >= self.limit {
            self.fewer.notified().await;
        }
    }
}

/// Accepts connections and gives them to `arrive`, until `stop` turns true.
///
/// # Errors
/// The process is out of descriptors for waiting.
pub async fn accept(
    listener: TcpListener,
    pending: Rc<Pending>,
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
                pending.gateway.metrics.accept_error(&error);
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
