//! Request bodies: their media type and their bound.

use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest,
    http::header,
    web::{Bytes, Payload},
};
use protocol::problem::Problem;

use crate::validate::MAX_BODY_BYTES;

/// How long the body of one push may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Accepts one of these media types, or none at all.
pub(super) fn check_type(request: &HttpRequest, accepted: &[&str]) -> Result<(), Problem> {
    let given = request.content_type();
    let known = accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(given));
    if known || !request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(());
    }
    let expected = accepted.first().copied().unwrap_or_default();
    let detail = format!("{given:?} is not understood, send Content-Type: {expected}");
    Err(Problem::new(415, "Unsupported media type", detail))
}

/// The whole body, which must fit into memory.
pub(super) async fn read(payload: Payload) -> Result<Bytes, Problem> {
    let reading = tokio::time::timeout(PATIENCE, payload.to_bytes_limited(MAX_BODY_BYTES));
    let read = reading.await.map_err(|_| {
        let detail = format!("the body did not arrive within {}s", PATIENCE.as_secs());
        Problem::new(408, "Request timeout", detail)
    })?;
    let body = read.map_err(|_| {
        let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
        Problem::new(413, "Body too large", detail)
    })?;
    body.map_err(|error| broken(&error))
}

/// The body ended before it was complete, or its encoding is wrong.
pub(super) fn broken(error: &impl std::fmt::Display) -> Problem {
    Problem::new(400, "Broken body", format!("the body could not be read: {error}"))
}
