//! The HTTP request that opens a link.

use actix_http::{HttpMessage, Request, header};
use protocol::{link::UPGRADE, problem::Problem};

use super::terms;
use crate::access::link_secrets::LinkSecrets;

/// Checks that the request asks for a link and shows one of the secrets. Returns the answer that
/// makes the connection a link.
///
/// # Errors
/// The problem to answer with.
pub(crate) fn check(secrets: &LinkSecrets, request: &Request) -> Result<String, Problem> {
    let mut offers = request.headers().get_all(header::UPGRADE);
    if !offers.any(|offer| offer.as_bytes().eq_ignore_ascii_case(UPGRADE.as_bytes())) {
        return Err(required());
    }
    let header = request.headers().get(header::AUTHORIZATION);
    let header = header.and_then(|header| header.to_str().ok());
    if secrets.check(header).is_err() {
        let detail = "the link secret differs; give both sides the same --link-secret";
        return Err(Problem::new(401, "Unauthorized", detail));
    }
    terms::announced(request.headers()).map(terms::switch)
}

/// What a request lacks that asks for no upgrade.
pub(crate) fn required() -> Problem {
    let detail = format!("a link needs the header Upgrade: {UPGRADE}");
    Problem::new(426, "Upgrade Required", detail)
}
