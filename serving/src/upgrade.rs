//! Requests that ask for another protocol on their connection (RFC 9110 section 7.8).

use actix_http::{HttpMessage, Request, header};
use actix_web::{
    HttpResponse,
    http::{Method, Version},
};
use bytes::BytesMut;
use protocol::problem::Problem;

use crate::{problem, stream::Stream};

/// Takes a connection over, with what was read behind the request. Nothing of HTTP stays with it.
pub type Switch = Box<dyn FnOnce(Stream, BytesMut)>;

/// Decides about requests that ask for an upgrade: what takes the connection over, or the answer.
pub type Upgrade = Box<dyn Fn(&Request) -> Result<Switch, Box<HttpResponse>>>;

/// Checks what every upgrade needs: GET, HTTP/1.1, and no body, which would be taken for the first
/// bytes of the new protocol.
///
/// # Errors
/// The answer.
pub fn check(request: &Request) -> Result<(), Box<HttpResponse>> {
    if request.method() != Method::GET {
        let detail = format!("{} opens nothing here, use GET", request.method());
        let refusal = Problem::new(405, "Method not allowed", detail);
        let mut response = problem::head(&refusal);
        response.insert_header((header::ALLOW, "GET"));
        return Err(response.body(refusal.to_json()).into());
    }
    let refuse = |detail| Err(problem::response(&Problem::new(400, "Bad request", detail)).into());
    if request.version() < Version::HTTP_11 {
        return refuse("an upgrade needs HTTP/1.1");
    }
    let has_length = request.headers().get(header::CONTENT_LENGTH);
    let has_length = has_length.is_some_and(|length| length.as_bytes().trim_ascii() != b"0");
    if has_length || request.headers().contains_key(header::TRANSFER_ENCODING) {
        return refuse("a request that asks for an upgrade has no body");
    }
    Ok(())
}
