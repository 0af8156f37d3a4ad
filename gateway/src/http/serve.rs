//! HTTP connections: an actix-web application for ordinary requests, and beside it on the same port
//! actix-http's upgrade service, which hands the bare socket of a WebSocket over to a session, so
//! that nothing of the HTTP machinery stays with it.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use actix_codec::Framed;
use actix_http::{HttpService, KeepAlive, Protocol, Request, h1};
use actix_service::{Service, ServiceFactory, fn_service, map_config};
use actix_web::{App, dev::AppConfig, web::ServiceConfig};
use futures::future::LocalBoxFuture;
use tracing::debug;

use super::begun::BegunStream;

/// How long an idle HTTP connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Serves one connection until it is over or has become something else.
pub(crate) type Serve = Rc<dyn Fn(BegunStream, SocketAddr) -> LocalBoxFuture<'static, ()>>;

/// Builds the service of some routes and of what upgraded requests become. A request that has not
/// come whole within `timeout` ends its connection.
pub(crate) async fn serve<U, F>(
    routes: impl FnOnce(&mut ServiceConfig),
    timeout: Duration,
    upgrade: U,
) -> Serve
where
    U: Fn(Request, Framed<BegunStream, h1::Codec>) -> F + 'static,
    F: Future<Output = Result<(), actix_http::Error>> + 'static,
{
    let app = App::new().configure(routes);
    let upgrade = Rc::new(upgrade);
    let upgrade = fn_service(move |(request, framed)| {
        let upgrade = Rc::clone(&upgrade);
        async move { upgrade(request, framed).await }
    });
    let service = HttpService::build()
        .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
        .client_request_timeout(timeout)
        .upgrade(upgrade)
        .finish(map_config(app, |()| AppConfig::default()));
    let service = service.new_service(()).await.expect("the routes are constant");
    Rc::new(move |socket, peer| {
        let connection = service.call((socket, Protocol::Http1, Some(peer)));
        Box::pin(async move {
            if let Err(error) = connection.await {
                debug!(%peer, %error, "http connection ended");
            }
        })
    })
}
