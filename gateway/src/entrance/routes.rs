//! Clients' ordinary HTTP requests, and the upgrades beside them.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
    web::{self, ServiceConfig},
};
use actix_web_actors::ws::{self, HandshakeError};
use serving::problem::response;

use super::{
    handshake::Doorway,
    websocket::{self, ECHO_PATH, PATH},
};
use crate::http::{
    answer::not_found,
    serve::{Serve, serve},
};

/// The service of clients' HTTP ports on this thread.
pub(super) async fn clients(doorway: &Doorway) -> Serve {
    let timeout = doorway.seats.local.settings.handshake_timeout;
    let doorway = doorway.clone();
    let upgrade = move |request, framed| websocket::upgrade(doorway.clone(), request, framed);
    serve(client_routes, timeout, upgrade).await
}

fn client_routes(routes: &mut ServiceConfig) {
    routes
        .route(PATH, web::get().to(upgrade_required))
        .route(ECHO_PATH, web::get().to(upgrade_required))
        .default_service(web::to(not_found));
}

/// A request without an upgrade to a WebSocket: says what is missing.
async fn upgrade_required(request: HttpRequest) -> HttpResponse {
    let missing = ws::handshake(&request).err().unwrap_or(HandshakeError::NoWebsocketUpgrade);
    let mut response = response(&websocket::bad_handshake(missing));
    response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    response
}
