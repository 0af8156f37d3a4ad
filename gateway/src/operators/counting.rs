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

use crate::{gateway::Gateway, metrics::Metrics};

/// What stands for the route where there is none.
const UNKNOWN: &str = "unknown";
/// The answers that there may be.
const ANSWERS: [(&str, &[u16]); 4] = [
    ("/healthz", &[200]),
    ("/readyz", &[200, 503]),
    ("/metrics", &[200]),
    (link::PATH, &[101, 400, 401, 403, 409, 426, 503]),
];

/// Counts nothing for each of them, so that a first one is seen as a rise.
pub(super) fn begin_at_zero(metrics: &Metrics) {
    for (route, statuses) in ANSWERS {
        for status in statuses {
            metrics.operators_request(route, Method::GET.as_str(), *status, 0);
        }
    }
}

/// Counts an answer towards its route, never towards a path that somebody made up.
pub(super) fn count(metrics: &Metrics, path: &str, method: &Method, status: u16) {
    let known = ANSWERS.iter().find(|(route, _)| *route == path);
    let route = known.map_or(UNKNOWN, |(route, _)| route);
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
