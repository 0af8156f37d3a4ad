//! What operators ask for: gateways, health and metrics.

use actix_web::{HttpResponse, web};
use protocol::problem::Problem;
use serde::Serialize;
use serving::health;

use super::problem::ApiError;
use crate::{
    api::Api,
    engine::contract::Engine,
    metrics,
    status::{GatewayStatus, LinkState},
};

/// The gateways.
#[derive(Debug, Serialize)]
pub(crate) struct GatewayList {
    /// In the order they were found.
    pub gateways: Vec<GatewayStatus>,
}

/// The gateways and their links.
pub(crate) async fn gateways(api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok().json(GatewayList { gateways: api.engine.gateways() })
}

/// The process lives.
pub(crate) async fn healthz() -> HttpResponse {
    health::alive().await
}

/// Pushes can be taken. A gateway that may hold users who are not known here is named, if that
/// lasts; if it is so of all gateways, this process is not ready.
pub(crate) async fn readyz(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    api.readiness().await.map_err(Problem::unavailable)?;
    let out_of_step: Vec<_> = api.engine.out_of_step().iter().map(ToString::to_string).collect();
    let used = api.engine.gateways().into_iter().filter(|link| link.state != LinkState::Alias);
    if out_of_step.len() >= used.count() {
        let detail = format!("no gateway is in step: {}", out_of_step.join(", "));
        return Err(Problem::unavailable(detail).into());
    }
    Ok(health::ready(&out_of_step))
}

/// Prometheus text.
pub(crate) async fn metrics(api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(api.metrics().await)
}
