//! From a response to bytes on the wire.

use std::{future::poll_fn, io};

use actix_codec::Encoder;
use actix_http::{
    ConnectionType, Response,
    body::{BodySize, BoxBody, MessageBody},
    h1::Message,
    header::{self, HeaderName, HeaderValue},
};
use bytes::BytesMut;

use crate::{budget::Holding, problem, wire::Wire};

/// Bytes that are put together before they are written.
const CHUNK: usize = 16 * 1024;

/// Answers the request that was taken off the wire last, with a mark on it, and says whether the connection
/// goes on.
///
/// # Errors
/// The peer is gone, or takes nothing.
pub(crate) async fn send(
    wire: &Wire,
    holding: &Holding,
    mark: Option<&(HeaderName, HeaderValue)>,
    response: Response<BoxBody>,
    is_last: bool,
) -> io::Result<bool> {
    let response = affordable(holding, with_line_break(response));
    let (mut response, body) = response.into_parts();
    if let Some((name, value)) = mark {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    if is_last {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let mut out = BytesMut::new();
    let head = Message::Item((response, body.size()));
    wire.codec.borrow_mut().encode(head, &mut out)?;
    send_body(wire, body, &mut out).await?;
    Ok(!is_last && wire.codec.borrow().keep_alive())
}

async fn send_body(wire: &Wire, body: BoxBody, out: &mut BytesMut) -> io::Result<()> {
    let encode = |message, out: &mut BytesMut| wire.codec.borrow_mut().encode(message, out);
    let mut body = std::pin::pin!(body);
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        let mut chunk = chunk.map_err(|error| io::Error::other(error.to_string()))?;
        while !chunk.is_empty() {
            let part = chunk.split_to(chunk.len().min(CHUNK));
            encode(Message::Chunk(Some(part)), out)?;
            if out.len() >= CHUNK {
                wire.send(out).await?;
            }
        }
    }
    encode(Message::Chunk(None), out)?;
    wire.send(out).await
}

/// A large answer counts as held until its peer has taken it.
fn affordable(holding: &Holding, response: Response<BoxBody>) -> Response<BoxBody> {
    match response.body().size() {
        BodySize::Sized(length) if length > CHUNK as u64 => {
            let held = usize::try_from(length).unwrap_or(usize::MAX);
            match holding.hold(held) {
                Ok(()) => response,
                Err(problem) => problem::response(&problem).into(),
            }
        }
        _ => response,
    }
}

/// JSON ends with a line break, so that a terminal's prompt stands on a line of its own.
fn with_line_break(response: Response<BoxBody>) -> Response<BoxBody> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let is_json = kind.is_some_and(|kind| kind.as_bytes().ends_with(b"json"));
    if !is_json {
        return response;
    }
    let (response, body) = response.into_parts();
    match body.try_into_bytes() {
        Ok(text) if text.ends_with(b"\n") || text.is_empty() => {
            response.set_body(BoxBody::new(text))
        }
        Ok(text) => {
            let mut text = BytesMut::from(text);
            text.extend_from_slice(b"\n");
            response.set_body(BoxBody::new(text.freeze()))
        }
        Err(body) => response.set_body(body),
    }
}
