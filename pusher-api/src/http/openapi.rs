//! The description of the API, made from the types and routes themselves.

use actix_web::HttpResponse;
use utoipa::{
    Modify, OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use super::{batch, operators, push, subscriptions, topics, users};

/// The OpenAPI document.
#[derive(Debug, OpenApi)]
#[openapi(
    info(title = "Holdfast", description = "Push to the sessions that Holdfast's gateways hold."),
    paths(
        push::push,
        batch::batch,
        users::get,
        users::close_sessions,
        subscriptions::subscribe,
        subscriptions::unsubscribe,
        topics::get,
        operators::gateways,
        operators::healthz,
        operators::readyz,
        operators::metrics,
        openapi,
    ),
    modifiers(&ApiKey)
)]
struct Description;

/// This description.
#[utoipa::path(get, path = "/openapi.json", tag = "operators", responses((status = 200)))]
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().json(Description::openapi())
}

struct ApiKey;

impl Modify for ApiKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("key", SecurityScheme::Http(scheme));
    }
}
