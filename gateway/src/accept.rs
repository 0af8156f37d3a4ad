//! Takes connections off the accept queue, as long as there is room for their handshakes.

use std::{cell::Cell, io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use futures::future::LocalBoxFuture;
use prometheus::IntGauge;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::timeout,
};
use tracing::{info, warn};

use crate::gateway::Gateway;

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

struct PendingGuard(Rc<Pending>);

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

/// Accepts connections and spawns `serve` for each that says something within the handshake's
/// deadline, until `stop` turns true. Buffers and parsers come with `serve`, so that a connection
/// that has said nothing yet costs next to nothing.
pub async fn accept<S>(
    listener: TcpListener,
    pending: Rc<Pending>,
    serve: S,
    mut stop: watch::Receiver<bool>,
) where
    S: Fn(TcpStream, SocketAddr) -> LocalBoxFuture<'static, ()> + Clone + 'static,
{
    let deadline = pending.gateway.settings.handshake_timeout;
    let mut failures = Failures::default();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            accepted = async { pending.room().await; listener.accept().await } => accepted,
        };
        match accepted {
            Ok((socket, peer)) => {
                failures.end();
                let (guard, serve) = (pending.add(), serve.clone());
                actix_rt::spawn(async move {
                    if let Ok(Ok(())) = timeout(deadline, socket.readable()).await {
                        serve(socket, peer).await;
                    }
                    drop(guard);
                });
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
