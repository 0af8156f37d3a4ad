//! The HTTP request that becomes a WebSocket (RFC 6455 section 4.2).

use actix_http::ws::hash_key;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::BytesMut;
use protocol::{Transport, problem::Problem};

use super::{
    handshake::{Doorway, Refused, Unidentified},
    origins, routes,
    shown::Shown,
};
use crate::{
    http::request::{Body, Request},
    session::Runner,
    tls::Socket,
};

/// The subprotocol that is chosen when it is offered.
const SUBPROTOCOL: &str = "holdfast.v1";

/// Checks that a GET is a handshake (section 4.2.1).
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(request: &Request<'_>) -> Result<(), Problem> {
    if !request.list("upgrade").any(|offer| offer.eq_ignore_ascii_case("websocket")) {
        return Err(upgrade_required());
    }
    let mut versions = request.fields("sec-websocket-version");
    let wrong = match (versions.next(), versions.next()) {
        _ if request.is_http_1_0 => "a WebSocket needs HTTP/1.1",
        _ if !request.list("connection").any(|it| it.eq_ignore_ascii_case("upgrade")) => {
            "Connection does not say upgrade"
        }
        // What follows the head would be read as frames.
        _ if request.body != Body::None => "a request for a WebSocket has no body",
        (None, _) => "Sec-WebSocket-Version is missing",
        (_, Some(_)) => "there is more than one Sec-WebSocket-Version",
        (Some(version), None) if version != b"13" => {
            let detail = "Sec-WebSocket-Version can be 13 only";
            return Err(Problem::new(426, "Upgrade Required", detail));
        }
        _ if !has_key(request) => "there must be one Sec-WebSocket-Key, of 16 bytes in base64",
        _ => return Ok(()),
    };
    Err(Problem::new(400, "Bad WebSocket Handshake", wrong))
}

/// The answer to a request that does not ask for a WebSocket.
pub(super) fn upgrade_required() -> Problem {
    let detail = "sessions are WebSockets: give Upgrade: websocket (RFC 6455 section 4.1)";
    Problem::new(426, "Upgrade Required", detail)
}

fn has_key(request: &Request<'_>) -> bool {
    let mut keys = request.fields("sec-websocket-key");
    let (Some(key), None) = (keys.next(), keys.next()) else { return false };
    key.len() == 24 && STANDARD.decode_slice(key, &mut [0; 18]) == Ok(16)
}

/// Turns the connection in a seat into a session. `read` came behind the request.
///
/// # Errors
/// Hands the connection back with the reason.
pub(super) fn join(
    doorway: &Doorway,
    request: &Request<'_>,
    shown: &Shown<'_>,
    socket: Socket,
    read: BytesMut,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let greeting = switching_protocols(request);
    let checked = origins::check(&doorway.seats.local.settings, request, &socket.stream);
    let socket = Some(socket);
    let (transport, after) = (Transport::WebSocket, shown.after());
    let client = Unidentified { socket, seat, transport, read, greeting, after };
    if let Err(foreign) = checked {
        return Err(client.refuse(doorway, foreign.into()));
    }
    let credentials = shown.credentials();
    match request.path {
        routes::ECHO => client.echo(doorway, credentials),
        _ => client.identify(doorway, credentials),
    }
}

/// The answer that makes the connection a WebSocket (section 4.2.2), in bytes.
pub(super) fn switching_protocols(request: &Request<'_>) -> Vec<u8> {
    let key = request.fields("sec-websocket-key").next();
    let accept = hash_key(key.unwrap_or_default());
    let mut answer = Vec::with_capacity(192);
    answer.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
          sec-websocket-accept: ",
    );
    answer.extend_from_slice(&accept);
    if request.list("sec-websocket-protocol").any(|offer| offer == SUBPROTOCOL) {
        answer.extend_from_slice(b"\r\nsec-websocket-protocol: ");
        answer.extend_from_slice(SUBPROTOCOL.as_bytes());
    }
    answer.extend_from_slice(b"\r\n\r\n");
    answer
}
