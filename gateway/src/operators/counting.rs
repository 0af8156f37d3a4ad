//! What was asked for at the operators' port, and how it was answered.

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::Data,
};
use protocol::link;
use serving::metrics::method_label;

use super::rebalance;
use crate::{gateway::Gateway, metrics::Metrics};

/// What stands for the route where there is none.
const UNKNOWN: &str = "unknown";
/// The answers that there may be.
const ANSWERS: [(&str, Method, &[u16]); 7] = [
    ("/healthz", Method::GET, &[200]),
    ("/readyz", Method::GET, &[200, 503]),
    ("/metrics", Method::GET, &[200]),
    (link::PATH, Method::GET, &[101, 400, 401, 403, 409, 426, 503]),
    (rebalance::http::PATH, Method::GET, &[200]),
    (rebalance::http::PATH, Method::POST, &[202, 400, 401, 403, 409, 422, 503]),
    (rebalance::http::PATH, Method::DELETE, &[200, 401, 403]),
];

/// Counts nothing for each of them, so that a first one is seen as a rise.
pub(super) fn begin_at_zero(metrics: &Metrics) {
    for (route, method, statuses) in ANSWERS {
        for status in statuses {
            metrics.operators_request(route, method.as_str(), *status, 0);
        }
    }
}

/// Counts an answer towards its route, never towards a path that somebody made up.
pub(super) fn count(metrics: &Metrics, path: &str, method: &Method, status: u16) {
    let known = ANSWERS.iter().find(|(route, ..)| *route == path);
    let route = known.map_or(UNKNOWN, |(route, ..)| route);
    metrics.operators_request(route, method_label(method), status, 1);
}

/// Counts what the application answers.
pub(super) async fn counted(
    gateway: Data<Gateway>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let (path, method) = (request.path().to_owned(), request.method().clone());
    let response = next.call(request).await?;
    count(&gateway.metrics, &path, &method, response.status().as_u16());
    Ok(response)
}
