//! Measures every request.

use std::time::Instant;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web,
};

use crate::api::Api;

/// Counts the time to answer towards the route's pattern, never towards a concrete path.
pub(crate) async fn timed(
    api: web::Data<Api>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let begun = Instant::now();
    let route = request.match_pattern();
    let response = next.call(request).await;
    let route = route.as_deref().unwrap_or("unknown");
    let elapsed = begun.elapsed().as_secs_f64();
    api.metrics.request_seconds.with_label_values(&[route]).observe(elapsed);
    response
}
