//! Problems as responses.

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use protocol::problem::{CONTENT_TYPE, Problem};
use utoipa::ToSchema;

/// An error that ends a request.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct ApiError(#[from] pub Problem);

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type(CONTENT_TYPE);
        if let Some(seconds) = self.0.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.0.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"holdfast\""));
        }
        response.body(self.0.to_json())
    }
}

/// An error (RFC 9457, `application/problem+json`).
#[derive(Debug, ToSchema)]
#[schema(as = Problem)]
#[allow(dead_code, reason = "describes protocol::problem::Problem, which knows no OpenAPI")]
pub(crate) struct ProblemBody {
    /// Always `about:blank`.
    r#type: String,
    /// The HTTP status code.
    status: u16,
    /// The kind of problem.
    title: String,
    /// What was wrong this time.
    detail: String,
    /// JSON pointer (RFC 6901) to the wrong field of the body.
    pointer: Option<String>,
}
