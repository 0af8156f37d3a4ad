//! Clients' HTTP: an actix-web application for ordinary requests, and beside it on the same port
//! actix-http's upgrade service, which hands the bare socket of a WebSocket over to a session, so
//! that nothing of the HTTP machinery stays with it.

use std::{net::SocketAddr, rc::Rc, time::Duration};

use actix_codec::Framed;
use actix_http::{HttpService, KeepAlive, Protocol, Request, h1};
use actix_service::{Service, ServiceFactory, fn_service, map_config};
use actix_web::{
    App, HttpRequest, HttpResponse,
    dev::AppConfig,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    web::{self, ServiceConfig},
};
use actix_web_actors::ws::{self, HandshakeError};
use futures::future::LocalBoxFuture;
use protocol::problem::{self, Problem};
use tracing::debug;

use crate::{
    begun::BegunStream,
    transports::websocket::upgrade::{self, ECHO_PATH, PATH},
    worker::Worker,
};

/// How long an idle HTTP connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Serves one connection until it is over or has become something else.
pub type Serve = Rc<dyn Fn(BegunStream, SocketAddr) -> LocalBoxFuture<'static, ()>>;

/// The service of clients' HTTP ports on this worker.
pub async fn clients(worker: &Rc<Worker>) -> Serve {
    let timeout = worker.gateway.settings.handshake_timeout;
    let worker = Rc::clone(worker);
    let upgrade = move |request, framed| upgrade::upgrade(Rc::clone(&worker), request, framed);
    serve(client_routes, timeout, upgrade).await
}

fn client_routes(routes: &mut ServiceConfig) {
    routes
        .route(PATH, web::get().to(upgrade_required))
        .route(ECHO_PATH, web::get().to(upgrade_required))
        .default_service(web::to(not_found));
}

/// Builds the service of some routes and of what upgraded requests become. A request that has not
/// come whole within `timeout` ends its connection.
pub async fn serve<U, F>(
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

/// A request without an upgrade to a WebSocket: says what is missing.
async fn upgrade_required(request: HttpRequest) -> HttpResponse {
    let missing = ws::handshake(&request).err().unwrap_or(HandshakeError::NoWebsocketUpgrade);
    let mut response = respond(&upgrade::bad_handshake(missing));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}

/// The answer where nothing is.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    respond(&Problem::new(404, "Not Found", format!("nothing is at {}", request.path())))
}

/// A problem as the answer of an application.
pub fn respond(problem: &Problem) -> HttpResponse {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = HttpResponse::build(status);
    response.insert_header((header::CONTENT_TYPE, problem::CONTENT_TYPE));
    if let Some(seconds) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    response.body(problem.to_json())
}
