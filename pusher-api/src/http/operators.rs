//! What operators ask for: gateways, health and metrics.

use actix_web::{HttpResponse, web};
use protocol::problem::Problem;
use serde::Serialize;
use serving::health;

use super::problem::ApiError;
use crate::{api::Api, engine::contract::Engine, metrics, status::GatewayStatus};

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
/// lasts.
pub(crate) async fn readyz(api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let out_of_step = api.readiness().await.map_err(Problem::unavailable)?;
    Ok(health::ready(&out_of_step))
}

/// Prometheus text.
pub(crate) async fn metrics(api: web::Data<Api>) -> HttpResponse {
    HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(api.metrics().await)
}
