//! Every route, and what is answered where there is none.

use actix_web::{
    HttpRequest, HttpResponse, Resource, ResponseError, guard,
    http::header::{ALLOW, HeaderValue},
    middleware::from_fn,
    web::{self, ServiceConfig},
};
use protocol::problem::Problem;

use super::{
    auth, batch, openapi, operators, page, problem::ApiError, push, subscriptions, topics, users,
};

/// Every route; the first ones need no key.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(web::PathConfig::default().error_handler(|error, _| {
            ApiError(Problem::new(422, "Invalid path", error.to_string())).into()
        }))
        .service(read_only("/", web::route().to(page::page)))
        .service(read_only("/page.json", web::route().to(page::page_settings)))
        .service(read_only("/openapi.json", web::route().to(openapi::openapi)))
        .service(read_only("/metrics", web::route().to(operators::metrics)))
        .service(read_only("/healthz", web::route().to(operators::healthz)))
        .service(read_only("/readyz", web::route().to(operators::readyz)))
        .service(web::scope("/v1").wrap(from_fn(auth::require_key)).configure(api_routes))
        .default_service(web::to(not_found));
}

fn api_routes(config: &mut ServiceConfig) {
    config
        .service(resource("/push", "POST").route(web::post().to(push::push)))
        .service(resource("/push/batch", "POST").route(web::post().to(batch::batch)))
        .service(read_only("/users/{user}", web::route().to(users::get)))
        .service(
            resource("/users/{user}/sessions", "DELETE")
                .route(web::delete().to(users::close_sessions)),
        )
        .service(
            resource("/users/{user}/topics/{topic}", "PUT, DELETE")
                .route(web::put().to(subscriptions::subscribe))
                .route(web::delete().to(subscriptions::unsubscribe)),
        )
        .service(read_only("/topics/{topic}", web::route().to(topics::get)))
        .service(read_only("/gateways", web::route().to(operators::gateways)))
        .default_service(web::to(not_found));
}

fn read_only(path: &str, route: actix_web::Route) -> Resource {
    resource(path, "GET, HEAD").route(route.guard(guard::Any(guard::Get()).or(guard::Head())))
}

/// A resource that answers other methods than those allowed with 405 (RFC 9110 section 15.5.6).
fn resource(path: &str, allowed: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move |request: HttpRequest| async move {
        let detail = format!("{} is not allowed here, use {allowed}", request.method());
        let problem = ApiError(Problem::new(405, "Method not allowed", detail));
        let mut response = problem.error_response();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        response
    }))
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let detail = format!("there is nothing at {}; /openapi.json lists the API", request.path());
    Err(Problem::new(404, "Not found", detail).into())
}
