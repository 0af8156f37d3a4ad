//! Every route: what it is called by, needs, takes and answers. The table is what is served, what the
//! door checks, what is counted from the beginning, and what `openapi.json` is held against.

use actix_web::{
    HttpRequest, HttpResponse, Resource, ResponseError, Route, guard,
    http::{
        Method,
        header::{ALLOW, HeaderValue},
    },
    web::{self, ServiceConfig},
};
use protocol::problem::{Problem, excerpt};

use super::{
    batch, kept, openapi, operators, page, problem::ApiError, push, subscriptions, topics, users,
};
use crate::{backends::Scope, metrics::Metrics};

/// One method of one path.
pub(crate) struct Endpoint {
    /// The method; GET stands for HEAD, too.
    pub method: Method,
    /// The path, with names in braces for what differs.
    pub path: &'static str,
    /// What a key must allow; none where no key is needed.
    pub scope: Option<Scope>,
    /// The query parameters there are.
    pub query: Query,
    /// Every status it may answer with.
    pub statuses: &'static [u16],
    handler: fn() -> Route,
}

/// The parameters of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Query {
    /// These, and no others.
    Only(&'static [&'static str]),
    /// What a page's script makes of it.
    OfThePage,
}

const NONE: Query = Query::Only(&[]);
/// What can be wrong with a request that has no body.
const ASKED: &[u16] = &[200, 401, 403, 422, 503];
const PUSHED: &[u16] = &[200, 202, 400, 401, 403, 408, 409, 412, 413, 415, 422, 501, 503, 507];
const FORGOTTEN: &[u16] = &[200, 401, 403, 422, 501, 503];
const STREAMED: &[u16] = &[200, 400, 401, 403, 408, 412, 415, 422, 503];

macro_rules! endpoint {
    ($method:ident $path:literal, $scope:expr, $query:expr, $statuses:expr, $handler:path) => {
        Endpoint {
            method: Method::$method,
            path: $path,
            scope: $scope,
            query: $query,
            statuses: $statuses,
            handler: || web::route().to($handler),
        }
    };
}

/// Every endpoint; those of one path stand together.
pub(crate) static ENDPOINTS: &[Endpoint] = &[
    endpoint!(GET "/", None, Query::OfThePage, &[200], page::page),
    endpoint!(GET "/page.json", None, NONE, &[200, 422], page::page_settings),
    endpoint!(GET "/page/{file}", None, NONE, &[200, 404, 422], page::file),
    endpoint!(GET "/holdfast.js", None, NONE, &[200, 422], page::client_library),
    endpoint!(GET "/openapi.json", None, NONE, &[200, 422], openapi::openapi),
    endpoint!(GET "/metrics", None, NONE, &[200, 422], operators::metrics),
    endpoint!(GET "/healthz", None, NONE, &[200, 422], operators::healthz),
    endpoint!(GET "/readyz", None, NONE, &[200, 422, 503], operators::readyz),
    endpoint!(POST "/v1/push", Some(Scope::Push), Query::Only(&["receipt"]), PUSHED, push::push),
    endpoint!(POST "/v1/push/batch", Some(Scope::Push), NONE, STREAMED, batch::batch),
    endpoint!(GET "/v1/users/{user}", Some(Scope::Read), NONE, ASKED, users::get),
    endpoint!(
        DELETE "/v1/users/{user}/sessions",
        Some(Scope::Admin),
        Query::Only(&["device"]),
        ASKED,
        users::close_sessions
    ),
    endpoint!(
        DELETE "/v1/users/{user}/kept",
        Some(Scope::Admin),
        NONE,
        FORGOTTEN,
        kept::forget_user
    ),
    endpoint!(
        PUT "/v1/users/{user}/topics/{topic}",
        Some(Scope::Admin),
        NONE,
        &[200, 401, 403, 404, 422, 503],
        subscriptions::subscribe
    ),
    endpoint!(
        DELETE "/v1/users/{user}/topics/{topic}",
        Some(Scope::Admin),
        NONE,
        &[200, 401, 403, 404, 422, 503],
        subscriptions::unsubscribe
    ),
    endpoint!(GET "/v1/topics/{topic}", Some(Scope::Read), NONE, ASKED, topics::get),
    endpoint!(
        DELETE "/v1/topics/{topic}/kept",
        Some(Scope::Admin),
        NONE,
        FORGOTTEN,
        kept::forget_topic
    ),
    endpoint!(
        GET "/v1/gateways",
        Some(Scope::Read),
        NONE,
        &[200, 401, 403, 422],
        operators::gateways
    ),
];

/// Serves every endpoint, and answers what is none.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.app_data(web::PathConfig::default().error_handler(|_, _| {
        let detail = "names in the path are percent-encoded UTF-8";
        ApiError(Problem::new(422, "Invalid path", detail)).into()
    }));
    for methods in ENDPOINTS.chunk_by(|one, next| one.path == next.path) {
        config.service(resource(methods));
    }
    config.default_service(web::to(not_found));
}

/// The endpoint of a pattern that the router found, with this method.
pub(crate) fn find(pattern: &str, method: &Method) -> Option<&'static Endpoint> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    ENDPOINTS.iter().find(|endpoint| endpoint.path == pattern && endpoint.method == *method)
}

/// Counts nothing for every endpoint and status, so that a first error is seen as a rise.
pub(crate) fn begin_at_zero(metrics: &Metrics) {
    for Endpoint { method, path, statuses, .. } in ENDPOINTS {
        for status in *statuses {
            metrics.requests.with_label_values(&[path, method.as_str(), &status.to_string()]);
        }
    }
}

/// A path, which answers other methods than its own with 405 (RFC 9110 section 15.5.6).
fn resource(methods: &'static [Endpoint]) -> Resource {
    let mut resource = web::resource(methods.first().map_or("", |endpoint| endpoint.path));
    for Endpoint { method, handler, .. } in methods {
        let route = handler();
        resource = resource.route(match *method {
            Method::GET => route.guard(guard::Any(guard::Get()).or(guard::Head())),
            _ => route.method(method.clone()),
        });
    }
    resource.default_service(web::to(move |request: HttpRequest| async move {
        not_allowed(&request, methods)
    }))
}

fn not_allowed(request: &HttpRequest, methods: &[Endpoint]) -> HttpResponse {
    let names = methods.iter().map(|endpoint| match endpoint.method {
        Method::GET => "GET, HEAD",
        _ => endpoint.method.as_str(),
    });
    let allowed = names.collect::<Vec<_>>().join(", ");
    let method = excerpt(request.method().as_str());
    let detail = format!("{method} is not allowed here, use {allowed}");
    let mut response = ApiError(Problem::new(405, "Method not allowed", detail)).error_response();
    let allowed = HeaderValue::from_str(&allowed).expect("names of methods are tokens");
    response.headers_mut().insert(ALLOW, allowed);
    response
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = excerpt(request.path());
    let detail = format!("there is nothing at {path}; /openapi.json lists the API");
    Err(Problem::new(404, "Not found", detail).into())
}
