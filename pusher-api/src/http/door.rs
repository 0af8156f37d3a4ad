//! What stands in front of every handler: who asks and whom, whether the query is one, and what is counted.

use std::time::Instant;

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};
use protocol::problem::Problem;
use serving::metrics::method_label;

use super::{
    auth, development,
    problem::ApiError,
    query,
    routes::{self, Endpoint, Query},
};
use crate::{
    api::Api,
    backends::{Backend, Scope},
};

/// Lets a request in that has what its endpoint needs, and counts the answer towards the endpoint's
/// pattern, never towards a concrete path. A handler finds the [`Backend`] in the request.
pub(crate) async fn at_the_door(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let begun = Instant::now();
    let method = request.method().clone();
    let pattern = request.match_pattern();
    let endpoint = pattern.as_deref().and_then(|pattern| routes::find(pattern, &method));
    let response = match admit(&api, &request, endpoint) {
        Ok(backend) => {
            request.extensions_mut().insert(backend);
            next.call(request).await.map(ServiceResponse::map_into_left_body)
        }
        Err(problem) => {
            let response: HttpResponse = ApiError(problem).error_response();
            Ok(request.into_response(response).map_into_right_body())
        }
    };
    let status = match &response {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let pattern = pattern.as_deref().unwrap_or("unknown");
    let metrics = &api.metrics;
    let labels = [pattern, method_label(&method), status.as_str()];
    metrics.requests.with_label_values(&labels).inc();
    let elapsed = begun.elapsed().as_secs_f64();
    metrics.request_seconds.with_label_values(&[pattern]).observe(elapsed);
    response
}

fn admit(
    api: &Api,
    request: &ServiceRequest,
    endpoint: Option<&Endpoint>,
) -> Result<Backend, Problem> {
    if let Some(allowed) = &api.development {
        development::check(request.head(), api.ports.get().map_or(&[], Vec::as_slice), allowed)?;
    }
    // Below /v1 there is nothing to be learned without a key, not even what is not there.
    let is_guarded = endpoint.map_or(request.path().starts_with("/v1/"), |one| one.scope.is_some());
    let backend = match is_guarded {
        true => auth::admit(api, request.headers(), endpoint.and_then(|one| one.scope))?,
        false => Backend::ANYONE,
    };
    // What is pushed may have been pushed before, to a process that would know it.
    if endpoint.is_some_and(|endpoint| endpoint.scope == Some(Scope::Push)) {
        api.process.check(request.headers())?;
    }
    if let Some(Endpoint { query: Query::Only(known), .. }) = endpoint {
        query::check(request.query_string(), known)?;
    }
    Ok(backend)
}
