//! The HTTP request that becomes a WebSocket (RFC 6455 section 4.2).

use std::net::TcpStream;

use actix_codec::Framed;
use actix_http::{HttpMessage, Request, error::PayloadError, h1, header, ws};
use actix_web::web::Query;
use actix_web_actors::ws::HandshakeError;
use bytes::BytesMut;
use protocol::{Transport, bearer, problem::Problem};
use serde::Deserialize;

use super::handshake::{Doorway, Refused, Unidentified};
use crate::{
    access::auth::Credentials,
    http::{answer::answer, begun::BegunStream},
    session::Runner,
    settings::Settings,
};

/// Where sessions are opened.
pub(super) const PATH: &str = "/v1/ws";
/// Where clients get back what they send.
pub(super) const ECHO_PATH: &str = "/v1/echo";

#[derive(Default, Deserialize)]
struct Parameters {
    token: Option<String>,
    user: Option<String>,
    device: Option<String>,
}

/// Turns the request into a session, or answers it with a problem.
pub(super) async fn upgrade(
    doorway: Doorway,
    request: Request,
    framed: Framed<BegunStream, h1::Codec>,
) -> Result<(), actix_http::Error> {
    let seats = &doorway.seats;
    if let Err(problem) = check(&seats.local.settings, &request) {
        return answer(framed, &problem).await;
    }
    let parts = framed.into_parts();
    let ((socket, rest), mut read) = (parts.io.into_parts(), parts.read_buf);
    read.unsplit(rest);
    let socket = socket.into_std().map_err(PayloadError::from)?;
    let started = seats.start(socket, |socket, seat| join(&doorway, &request, socket, read, seat));
    match started.map_err(PayloadError::from)? {
        Ok(()) => Ok(()),
        Err(refused) => {
            let socket = seats.release(refused.socket).map_err(PayloadError::from)?;
            answer(Framed::new(socket, parts.codec), &refused.refusal.problem()).await
        }
    }
}

/// Checks that the request asks for a WebSocket where there is one.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(settings: &Settings, request: &Request) -> Result<(), Problem> {
    match request.path() {
        PATH => {}
        ECHO_PATH if settings.echo => {}
        path => {
            let detail = format!("no WebSocket at {path}; try {PATH}");
            return Err(Problem::new(404, "Not Found", detail));
        }
    }
    ws::verify_handshake(request.head()).map_err(bad_handshake)
}

/// What is missing in a handshake (RFC 6455 section 4.2.1), as a problem.
pub(super) fn bad_handshake(error: HandshakeError) -> Problem {
    let (status, title) = match error {
        HandshakeError::GetMethodRequired => (405, "Method Not Allowed"),
        HandshakeError::NoWebsocketUpgrade | HandshakeError::UnsupportedVersion => {
            (426, "Upgrade Required")
        }
        _ => (400, "Bad WebSocket Handshake"),
    };
    Problem::new(status, title, error.to_string())
}

/// Turns the connection in a seat into a session. `read` came behind the request.
///
/// # Errors
/// Hands the connection back with the reason.
pub(super) fn join(
    doorway: &Doorway,
    request: &Request,
    socket: TcpStream,
    read: BytesMut,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let greeting = switching_protocols(request);
    let client = Unidentified { socket, seat, transport: Transport::WebSocket, read, greeting };
    if request.path() == ECHO_PATH {
        return client.echo(doorway);
    }
    let query = Query::<Parameters>::from_query(request.uri().query().unwrap_or_default());
    let Parameters { token, user, device } = query.map(Query::into_inner).unwrap_or_default();
    let header = request.headers().get(header::AUTHORIZATION);
    let shown = header.and_then(|header| bearer::credentials(header.to_str().ok()?));
    let token = shown.or(token.as_deref());
    let (user, device) = (user.as_deref(), device.as_deref());
    client.identify(doorway, Credentials { token, user, device })
}

/// The answer that makes the connection a WebSocket (RFC 6455 section 4.2.2), in bytes.
fn switching_protocols(request: &Request) -> Vec<u8> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let accept = ws::hash_key(key.map_or(b"", |key| key.as_bytes()));
    let mut answer = Vec::with_capacity(192);
    answer.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
          sec-websocket-accept: ",
    );
    answer.extend_from_slice(&accept);
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}
