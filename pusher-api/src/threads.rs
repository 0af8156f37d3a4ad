//! The threads that serve HTTP. A connection goes to the one that has the fewest.

use std::{
    io,
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use actix_rt::{Arbiter, ArbiterHandle};
use actix_web::{App, middleware::from_fn, web};
use certificates::{Kept, ServerSource, rustls::ServerConfig};
use futures::future::join_all;
use serving::{
    accept::{Arrivals, accept},
    budget::Limits,
    port::{Port, Routes},
};
use tokio::sync::{mpsc, oneshot};
use tracing::error;

use crate::{api::Api, http};

/// Connections on their way to a thread.
const ON_THEIR_WAY: usize = 128;
/// Asked by load balancers, supervisors and Prometheus, and answered however much is going on.
const ALWAYS: &[&str] = &["/healthz", "/readyz", "/metrics"];

/// What a thread is told.
enum Errand {
    /// A connection has come.
    Serve(TcpStream, Option<Arc<ServerConfig>>, Guard),
    /// The process has no descriptor left.
    MakeRoom,
    /// No other will come: answer what is in progress, close, and say when it is done.
    Stop(Duration, oneshot::Sender<()>),
}

/// Counts a connection of a thread as long as it lives.
type Guard = Arc<()>;

#[derive(Clone)]
struct Thread {
    errands: mpsc::Sender<Errand>,
    /// Has as many owners as the thread has connections, and this one.
    connections: Guard,
}

/// The threads, and those that give them connections.
pub(crate) struct Threads {
    threads: Vec<Thread>,
    arbiters: Vec<ArbiterHandle>,
    acceptors: Vec<tokio::task::JoinHandle<()>>,
}

impl Threads {
    /// Starts so many, each with these limits. Connections are accepted on the caller's thread, and taken
    /// inside TLS where there is a certificate to be shown.
    pub(crate) fn start(
        count: usize,
        limits: Limits,
        api: &web::Data<Api>,
        listeners: Vec<(TcpListener, Option<Arc<Kept<ServerSource>>>)>,
    ) -> Self {
        let started = (0..count).map(|_| start_thread(limits, api.clone()));
        let (threads, arbiters): (Vec<_>, Vec<_>) = started.unzip();
        let acceptors = listeners.into_iter().map(|(listener, tls)| {
            let hand_out = HandOut { threads: threads.clone(), api: api.clone(), tls };
            actix_rt::spawn(async move {
                if let Err(error) = accept(listener, hand_out).await {
                    error!(%error, "cannot wait for connections");
                }
            })
        });
        let acceptors = acceptors.collect();
        Self { threads, arbiters, acceptors }
    }

    /// Accepts nothing more, and waits until what is in progress has its answers.
    pub(crate) async fn drain(&mut self, patience: Duration) {
        self.acceptors.drain(..).for_each(|acceptor| acceptor.abort());
        let drained = self.threads.iter().map(|thread| async {
            let (done, drained) = oneshot::channel();
            if thread.errands.send(Errand::Stop(patience, done)).await.is_ok() {
                // A thread that is gone has nothing in progress.
                let _ = drained.await;
            }
        });
        join_all(drained).await;
    }

    /// Ends the threads, whatever is left.
    pub(crate) fn stop(self) {
        self.acceptors.iter().for_each(tokio::task::JoinHandle::abort);
        for arbiter in self.arbiters {
            arbiter.stop();
        }
    }
}

fn start_thread(limits: Limits, api: web::Data<Api>) -> (Thread, ArbiterHandle) {
    let (errands, received) = mpsc::channel(ON_THEIR_WAY);
    let arbiter = Arbiter::new().handle();
    arbiter.spawn_fn(move || drop(actix_rt::spawn(run(limits, api, received))));
    (Thread { errands, connections: Guard::default() }, arbiter)
}

async fn run(limits: Limits, api: web::Data<Api>, mut errands: mpsc::Receiver<Errand>) {
    let (counters, mark) = (api.metrics.http.clone(), Some(api.process.mark()));
    let app = App::new()
        .app_data(api)
        .wrap(from_fn(http::door::at_the_door))
        .configure(http::routes::routes);
    let routes = Routes { app, upgrade: None, always: ALWAYS, mark };
    let port = Port::open(routes, limits, counters).await;
    while let Some(errand) = errands.recv().await {
        match errand {
            Errand::Serve(socket, tls, guard) => port.serve(socket, tls, guard).await,
            Errand::MakeRoom => {
                port.make_room();
            }
            Errand::Stop(patience, done) => {
                port.stop(patience).await;
                // Whoever waited for it may have given up.
                let _ = done.send(());
            }
        }
    }
}

/// Gives each connection to the thread with the fewest.
struct HandOut {
    threads: Vec<Thread>,
    api: web::Data<Api>,
    /// What TLS is spoken with, if it is.
    tls: Option<Arc<Kept<ServerSource>>>,
}

impl Arrivals for HandOut {
    async fn arrive(&mut self, socket: TcpStream) {
        let fewest = self.threads.iter().min_by_key(|it| Arc::strong_count(&it.connections));
        let Some(Thread { errands, connections }) = fewest else { return };
        // The connection is closed if the thread is gone.
        let tls = self.tls.as_ref().map(|tls| Arc::clone(&tls.now().http));
        let _ = errands.send(Errand::Serve(socket, tls, Arc::clone(connections))).await;
    }

    fn fail(&mut self, error: &io::Error, is_shortage: bool) -> bool {
        self.api.metrics.accept_error(error);
        if is_shortage {
            for thread in &self.threads {
                // One that has its hands full makes room by itself.
                let _ = thread.errands.try_send(Errand::MakeRoom);
            }
        }
        is_shortage
    }
}
