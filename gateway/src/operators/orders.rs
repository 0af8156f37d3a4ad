//! Who may give orders at the operators' port: who shows the link secret, or a key of operators.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
};
use protocol::{
    foreign::{Foreign, Marks, is_own_page},
    problem::Problem,
};
use serving::problem::head;

use crate::gateway::Gateway;

/// Checks that a request may give an order. Where there is neither secret nor key, as in development on
/// loopback, everybody may but web pages of others and who comes through a proxy.
///
/// # Errors
/// 401, 403, or 415 for what any page could send.
pub(super) fn check(gateway: &Gateway, request: &HttpRequest) -> Result<(), Problem> {
    let (secrets, keys) = (&gateway.link_secrets, &gateway.operators_keys);
    if secrets.is_empty() && keys.is_empty() {
        return check_page(&gateway.settings.development.allow_origin, request);
    }
    let header = request.headers().get(header::AUTHORIZATION);
    let header = header.and_then(|header| header.to_str().ok());
    let is_shown =
        [secrets, keys].iter().any(|known| !known.is_empty() && known.check(header).is_ok());
    match is_shown {
        true => Ok(()),
        false => {
            let detail =
                "send the link secret, or a key of --operators-key, as Authorization: Bearer KEY";
            Err(Problem::new(401, "Unauthorized", detail))
        }
    }
}

/// A page of another site can send a POST of a few media types without asking; any other asks first, and is
/// not answered.
fn check_page(allowed: &[String], request: &HttpRequest) -> Result<(), Problem> {
    let fields = request.headers().iter();
    let marks = Marks::read(fields.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let refuse = |why: Foreign| Err(Problem::new(403, "Forbidden", why.to_string()));
    if marks.is_forwarded {
        return refuse(Foreign::Forwarded);
    }
    if marks.origin.is_some_and(|origin| !is_own_page(origin, allowed)) {
        return refuse(Foreign::Origin);
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    match request.method() == Method::POST && !kind.eq_ignore_ascii_case("application/json") {
        true => {
            let detail = "without a key a POST needs Content-Type: application/json";
            Err(Problem::new(415, "Unsupported media type", detail))
        }
        false => Ok(()),
    }
}

/// Says why an order is not taken.
pub(super) fn refusal(problem: &Problem) -> HttpResponse {
    let mut response = head(problem);
    if problem.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    response.body(problem.to_json())
}
