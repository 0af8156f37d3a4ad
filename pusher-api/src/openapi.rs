//! The description of the API, made from the types and routes themselves.

use utoipa::{
    Modify, OpenApi, ToSchema,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::http::{batch, operators, push, topics, users};

/// The OpenAPI document.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Holdfast", description = "Push to the sessions that Holdfast's gateways hold."),
    paths(
        push::push,
        batch::batch,
        users::get,
        users::close_sessions,
        users::subscribe,
        users::unsubscribe,
        topics::get,
        operators::gateways,
        operators::healthz,
        operators::readyz,
        operators::metrics,
        operators::openapi,
    ),
    modifiers(&ApiKey)
)]
pub(crate) struct Description;

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

struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}
