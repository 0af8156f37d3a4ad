//! The API key of every request below `/v1`.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};
use protocol::problem::Problem;
use settings::Secret;
use subtle::{Choice, ConstantTimeEq};

use super::problem::ApiError;
use crate::api::Api;

/// Lets a request through that presents a key, or any request where no key is configured.
pub(super) async fn require_key(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !api.keys.is_empty() {
        check(&api.keys, bearer(&request)).map_err(ApiError)?;
    }
    next.call(request).await
}

/// The credentials of the scheme `Bearer`, whose name is case-insensitive (RFC 9110 11.1).
fn bearer(request: &ServiceRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn check(keys: &[Secret], presented: Option<&str>) -> Result<(), Problem> {
    let Some(presented) = presented else {
        let detail = "send an API key as Authorization: Bearer KEY";
        return Err(Problem::new(401, "Unauthorized", detail));
    };
    // Every key is compared, so that the time says nothing about which one came close.
    let matched = keys.iter().fold(Choice::from(0), |matched, key| {
        matched | key.expose().as_bytes().ct_eq(presented.as_bytes())
    });
    match bool::from(matched) {
        true => Ok(()),
        false => Err(Problem::new(401, "Unauthorized", "the API key is not known here")),
    }
}
