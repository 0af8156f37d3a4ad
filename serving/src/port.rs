//! A port's connections on one thread: who is let in, what answers, and who is given up.

use std::{
    net::TcpStream,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_http::{
    KeepAlive, Request, ServiceConfig,
    body::MessageBody,
    header::{HeaderName, HeaderValue},
};
use actix_service::{IntoServiceFactory, Service as _, ServiceFactory};
use actix_web::dev::{AppConfig, ServiceResponse};
use certificates::rustls::ServerConfig;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tracing::{debug, warn};

use crate::{
    budget::{Budget, Limits},
    connection::{Handler, Service, serve},
    counters::Counters,
    handshake::Accepted,
    upgrade::Upgrade,
};

/// How often those whose patience is over are looked for.
const SWEEP: Duration = Duration::from_millis(250);

/// Connections given up at a time where descriptors run out.
const ROOM: u32 = 4;

/// What answers a port's requests.
pub struct Routes<F> {
    /// The application.
    pub app: F,
    /// Decides about upgrades, where there are any.
    pub upgrade: Option<Upgrade>,
    /// Paths that are answered however many requests are in progress.
    pub always: &'static [&'static str],
    /// What every answer says besides, also one that the application had no part in.
    pub mark: Option<(HeaderName, HeaderValue)>,
}

/// A port's connections on this thread.
pub struct Port {
    service: Rc<Service>,
}

impl Port {
    /// Builds the service; inside an actix runtime.
    pub async fn open<F, S, B>(routes: Routes<F>, limits: Limits, counters: Counters) -> Self
    where
        F: IntoServiceFactory<S, Request>,
        S: ServiceFactory<
                Request,
                Config = AppConfig,
                Response = ServiceResponse<B>,
                Error = actix_web::Error,
                InitError = (),
            > + 'static,
        B: MessageBody + 'static,
    {
        let Routes { app, upgrade, always, mark } = routes;
        let budget = Budget::new(limits, counters);
        let app = app.into_factory().new_service(AppConfig::default()).await;
        let app = app.expect("routes are constant");
        let handler: Handler = Box::new(move |request| {
            let answering = app.call(request);
            Box::pin(async move {
                match answering.await {
                    Ok(response) => actix_http::Response::from(response).map_into_boxed_body(),
                    Err(error) => error.into(),
                }
            })
        });
        let none = Duration::ZERO;
        let config = ServiceConfig::new(KeepAlive::Os, none, none, false, None);
        sweep(&budget);
        Self { service: Rc::new(Service { handler, upgrade, always, mark, config, budget }) }
    }

    /// Serves a connection that was accepted just now, once there is room; inside TLS, where there is
    /// something to speak it with. `guard` lives as long as it does.
    pub async fn serve(
        &self,
        socket: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        guard: impl Sized + 'static,
    ) {
        let Some(seat) = self.service.budget.admit().await else { return };
        let (peer, at) = (socket.peer_addr(), Instant::now());
        let (socket, peer) = match (tokio::net::TcpStream::from_std(socket), peer) {
            (Ok(socket), Ok(peer)) => (socket, peer),
            (Err(error), _) | (_, Err(error)) => return debug!(%error, "connection lost"),
        };
        let service = Rc::clone(&self.service);
        actix_rt::spawn(async move {
            serve(service, Accepted { socket, tls, peer, at }, seat).await;
            drop(guard);
        });
    }

    /// Gives up those who have waited longest, a few at a time: the process has no descriptor left.
    /// Whether there was anybody.
    pub fn make_room(&self) -> bool {
        (0..ROOM).take_while(|_| self.service.budget.make_room()).count() > 0
    }

    /// Answers the requests that are in progress and closes every connection. Whoever is not done
    /// within this time is left as it is.
    pub async fn stop(&self, patience: Duration) {
        let budget = &self.service.budget;
        budget.stop();
        if timeout(patience, budget.emptied()).await.is_err() {
            warn!("stopped before every request was answered");
        }
    }
}

/// Looks now and then, as long as there is a budget.
fn sweep(budget: &Rc<Budget>) {
    let budget = Rc::downgrade(budget);
    actix_rt::spawn(async move {
        let mut rounds = interval(SWEEP);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            let Some(budget) = budget.upgrade() else { return };
            budget.sweep(Instant::now());
        }
    });
}
