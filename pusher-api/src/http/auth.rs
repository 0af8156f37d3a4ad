//! The API key of every request below `/v1`.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};
use protocol::{bearer, problem::Problem};
use settings::Secret;

use super::problem::ApiError;
use crate::api::Api;

/// Lets a request through that presents a key, or any request where no key is configured.
pub(super) async fn require_key(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !api.keys.is_empty() {
        check(&api.keys, presented(&request)).map_err(ApiError)?;
    }
    next.call(request).await
}

fn presented(request: &ServiceRequest) -> Option<&str> {
    bearer::credentials(request.headers().get(header::AUTHORIZATION)?.to_str().ok()?)
}

fn check(keys: &[Secret], presented: Option<&str>) -> Result<(), Problem> {
    let Some(presented) = presented else {
        let detail = "send an API key as Authorization: Bearer KEY";
        return Err(Problem::new(401, "Unauthorized", detail));
    };
    match bearer::is_one_of(presented, keys.iter().map(Secret::expose)) {
        true => Ok(()),
        false => Err(Problem::new(401, "Unauthorized", "the API key is not known here")),
    }
}
