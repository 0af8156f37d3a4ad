//! The HTTP request that becomes a WebSocket, and the answers to it.

use std::{
    io::{self, Write},
    net::TcpStream,
    rc::Rc,
};

use actix_codec::{AsyncRead, AsyncWrite, Encoder, Framed};
use actix_http::{
    HttpMessage, Request, Response, StatusCode,
    body::BodySize,
    error::PayloadError,
    h1::{self, Message},
    header, ws,
};
use actix_web::web::Query;
use actix_web_actors::ws::HandshakeError;
use bytes::{Bytes, BytesMut};
use protocol::problem::{self, Problem};
use serde::Deserialize;

use crate::{
    auth::Credentials,
    begun::BegunStream,
    handshake::{Refused, Unidentified, bearer},
    transports::Transport,
    worker::Worker,
};

/// Where sessions are opened.
pub const PATH: &str = "/v1/ws";
/// Where clients get back what they send.
pub const ECHO_PATH: &str = "/v1/echo";

#[derive(Default, Deserialize)]
struct Parameters {
    token: Option<String>,
    user: Option<String>,
}

/// Turns the request into a session, or answers it with a problem.
pub async fn upgrade(
    worker: Rc<Worker>,
    request: Request,
    framed: Framed<BegunStream, h1::Codec>,
) -> Result<(), actix_http::Error> {
    if let Err(problem) = check(&worker, &request) {
        return answer(framed, &problem).await;
    }
    let parts = framed.into_parts();
    let ((socket, rest), mut read) = (parts.io.into_parts(), parts.read_buf);
    read.unsplit(rest);
    let socket = socket.into_std().map_err(PayloadError::from)?;
    let joined =
        worker.in_new_seat(socket, |socket, seat| join(&worker, &request, socket, read, seat));
    match joined.map_err(PayloadError::from)? {
        Ok(()) => Ok(()),
        Err(refused) => {
            let socket = worker.release(refused.socket).map_err(PayloadError::from)?;
            answer(Framed::new(socket, parts.codec), &refused.refusal.problem()).await
        }
    }
}

/// Checks that the request asks for a WebSocket where there is one.
///
/// # Errors
/// The problem to answer with.
pub fn check(worker: &Worker, request: &Request) -> Result<(), Problem> {
    match request.path() {
        PATH => {}
        ECHO_PATH if worker.gateway.settings.echo => {}
        path => {
            let detail = format!("no WebSocket at {path}; try {PATH}");
            return Err(Problem::new(404, "Not Found", detail));
        }
    }
    ws::verify_handshake(request.head()).map_err(bad_handshake)
}

/// What is missing in a handshake (RFC 6455 section 4.2.1), as a problem.
pub fn bad_handshake(error: HandshakeError) -> Problem {
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
pub fn join(
    worker: &Rc<Worker>,
    request: &Request,
    socket: TcpStream,
    read: BytesMut,
    seat: u32,
) -> Result<(), Box<Refused>> {
    let greeting = switching_protocols(request);
    let client = Unidentified { socket, seat, transport: Transport::WebSocket, read, greeting };
    if request.path() == ECHO_PATH {
        return client.echo(worker);
    }
    let query = Query::<Parameters>::from_query(request.uri().query().unwrap_or_default());
    let Parameters { token, user } = query.map(Query::into_inner).unwrap_or_default();
    let token = bearer(request.headers()).or(token.as_deref());
    client.identify(worker, Credentials { token, user: user.as_deref() })
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

/// Answers with a problem and closes the connection.
pub async fn answer<T: AsyncRead + AsyncWrite + Unpin>(
    framed: Framed<T, h1::Codec>,
    problem: &Problem,
) -> Result<(), actix_http::Error> {
    let response = refusal(problem).set_body(Bytes::from(problem.to_json()));
    h1::SendResponse::new(framed, response).await?;
    Ok(())
}

/// The same for a connection that nothing was sent to yet: its socket has room for the answer, so
/// that no task needs to wait for it, however many are refused at once.
///
/// # Errors
/// The client is gone.
pub fn answer_at_once(
    mut socket: TcpStream,
    codec: &mut h1::Codec,
    problem: &Problem,
) -> io::Result<()> {
    let body = Bytes::from(problem.to_json());
    let head = (refusal(problem), BodySize::Sized(body.len() as u64));
    let mut bytes = BytesMut::new();
    for part in [Message::Item(head), Message::Chunk(Some(body)), Message::Chunk(None)] {
        codec.encode(part, &mut bytes)?;
    }
    socket.write_all(&bytes)
}

fn refusal(problem: &Problem) -> Response<()> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    let mut response = Response::build(status);
    response.insert_header((header::CONTENT_TYPE, problem::CONTENT_TYPE));
    response.insert_header((header::CONNECTION, "close"));
    if let Some(seconds) = problem.retry_after {
        response.insert_header((header::RETRY_AFTER, seconds));
    }
    if problem.status == 426 {
        response.insert_header((header::UPGRADE, "websocket"));
        response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
    }
    if problem.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    response.finish().set_body(())
}
