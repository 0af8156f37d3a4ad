//! Problems as responses.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use protocol::problem::Problem;
use serving::problem;

/// An error that ends a request.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ApiError(#[from] pub Problem);

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        problem::status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = problem::head(&self.0);
        // RFC 6750 section 3.
        let challenge = match self.0.status {
            401 => Some("Bearer realm=\"holdfast\""),
            403 => Some("Bearer realm=\"holdfast\", error=\"insufficient_scope\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        response.body(self.0.to_json())
    }
}
