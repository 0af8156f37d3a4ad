//! The HTTP request that opens a link.

use actix_http::{HttpMessage, Request, header};
use protocol::{bearer, link::UPGRADE, problem::Problem};
use settings::Secret;

/// What makes the connection a link.
pub(crate) const SWITCH: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: holdfast-link\r\n\r\n";

/// Checks that the request asks for a link and shows the secret.
///
/// # Errors
/// The problem to answer with.
pub(crate) fn check(secret: Option<&Secret>, request: &Request) -> Result<(), Problem> {
    let mut offers = request.headers().get_all(header::UPGRADE);
    if !offers.any(|offer| offer.as_bytes().eq_ignore_ascii_case(UPGRADE.as_bytes())) {
        let detail = format!("a link needs the header Upgrade: {UPGRADE}");
        return Err(Problem::new(426, "Upgrade Required", detail));
    }
    let Some(secret) = secret else { return Ok(()) };
    let header = request.headers().get(header::AUTHORIZATION);
    let shown = header.and_then(|header| bearer::credentials(header.to_str().ok()?));
    match bearer::is_one_of(shown.unwrap_or_default(), [secret.expose()]) {
        true => Ok(()),
        false => {
            let detail = "the link secret differs; give both sides the same --link-secret";
            Err(Problem::new(401, "Unauthorized", detail))
        }
    }
}
