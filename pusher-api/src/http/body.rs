//! Request bodies: their media type and their bounds.

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderValue},
    web::{Bytes, Payload},
};
use futures::StreamExt;
use protocol::problem::Problem;
use serving::budget::Holding;

use crate::validate::MAX_BODY_BYTES;

/// Accepts one of these media types, in UTF-8 and as it is, or none at all.
pub(super) fn check_type(request: &HttpRequest, accepted: &[&str]) -> Result<(), Problem> {
    let refuse = |detail| Err(Problem::new(415, "Unsupported media type", detail));
    let plain = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    if !request.headers().get_all(header::CONTENT_ENCODING).all(plain) {
        return refuse("Content-Encoding is not understood, send the body as it is".to_owned());
    }
    if !request.headers().contains_key(header::CONTENT_TYPE) {
        return Ok(());
    }
    let given = request.content_type();
    if !accepted.iter().any(|accepted| accepted.eq_ignore_ascii_case(given)) {
        let expected = accepted.first().copied().unwrap_or_default();
        return refuse(format!("{given:?} is not understood, send Content-Type: {expected}"));
    }
    match charset(request) {
        Some(charset) if !charset.eq_ignore_ascii_case("utf-8") => {
            refuse(format!("charset={charset} is not understood, send UTF-8"))
        }
        _ => Ok(()),
    }
}

/// The `charset` parameter of the content type (RFC 9110 section 8.3.2), if it has one.
fn charset(request: &HttpRequest) -> Option<&str> {
    let given = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    given.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    })
}

/// The whole body, which must fit into memory. One that is announced as too large is not read at
/// all.
pub(super) async fn read(request: &HttpRequest, mut payload: Payload) -> Result<Bytes, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.trim().parse::<u64>().ok());
    if length.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let held = held(request);
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| serving::body::problem(&error))?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        if body.capacity() < body.len() + chunk.len() {
            // Twice as much as there is, as long as that much may come.
            let most = length.map_or(MAX_BODY_BYTES, |length| length as usize);
            let wanted = (2 * body.len()).min(most).max(body.len() + chunk.len());
            body.reserve_exact(wanted - body.len());
            hold(held.as_ref(), body.capacity())?;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// The request's share of the bytes that are held in the process; it has none where nothing is
/// shared.
pub(super) fn held(request: &HttpRequest) -> Option<Holding> {
    request.extensions().get::<Holding>().cloned()
}

/// Says how many bytes a request holds now.
pub(super) fn hold(held: Option<&Holding>, bytes: usize) -> Result<(), Problem> {
    held.map_or(Ok(()), |held| held.hold(bytes))
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
    Problem::new(413, "Body too large", detail)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn checked(fields: &[(&str, &str)]) -> Result<(), u16> {
        let mut request = TestRequest::post();
        for field in fields {
            request = request.append_header(*field);
        }
        let accepted = ["application/json", "text/json"];
        check_type(&request.to_http_request(), &accepted).map_err(|problem| problem.status)
    }

    #[test]
    fn a_body_is_json_in_utf_8_as_it_is() {
        let kind = |value| checked(&[("content-type", value)]);
        assert_eq!(checked(&[]), Ok(()));
        for fine in [
            "application/json",
            "TEXT/JSON; charset=utf-8",
            "application/json;x=y; Charset=\"UTF-8\"",
        ] {
            assert_eq!(kind(fine), Ok(()), "{fine}");
        }
        for wrong in ["text/plain", "application/json; charset=latin1", "application/json;charset="]
        {
            assert_eq!(kind(wrong), Err(415), "{wrong}");
        }
        let encoding = |value| checked(&[("content-encoding", value)]);
        assert_eq!(encoding("Identity"), Ok(()));
        assert_eq!(encoding("gzip"), Err(415));
        assert_eq!(encoding("identity, br"), Err(415));
    }
}
