//! The API key of every request below `/v1`.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::header,
    middleware::Next,
    web,
};
use protocol::{
    bearer::{self, Refused},
    problem::Problem,
};
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
        let header = request.headers().get(header::AUTHORIZATION);
        let header = header.and_then(|header| header.to_str().ok());
        bearer::check(header, api.keys.iter().map(Secret::expose)).map_err(unauthorized)?;
    }
    next.call(request).await
}

fn unauthorized(refused: Refused) -> ApiError {
    let detail = match refused {
        Refused::Missing => "send an API key as Authorization: Bearer KEY",
        Refused::Unknown => "the API key is not known here",
    };
    ApiError(Problem::new(401, "Unauthorized", detail))
}
