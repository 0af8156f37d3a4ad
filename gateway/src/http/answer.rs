//! From a problem to an HTTP response.

use std::{
    io::{self, Write},
    net::TcpStream,
};

use actix_codec::{AsyncRead, AsyncWrite, Encoder, Framed};
use actix_http::{
    Response,
    body::BodySize,
    h1::{self, Message},
};
use actix_web::{HttpRequest, HttpResponse, http::header};
use bytes::{Bytes, BytesMut};
use protocol::problem::{self, Problem};
use serving::problem::{response, status};

/// The answer where nothing is.
pub(crate) async fn not_found(request: HttpRequest) -> HttpResponse {
    response(&Problem::new(404, "Not Found", format!("nothing is at {}", request.path())))
}

/// Answers with a problem and closes the connection.
pub(crate) async fn answer<T: AsyncRead + AsyncWrite + Unpin>(
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
pub(crate) fn answer_at_once(
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
    let mut response = Response::build(status(problem));
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
