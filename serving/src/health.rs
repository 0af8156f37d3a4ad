//! What a healthy process answers, the same on every port.

use actix_web::HttpResponse;
use serde_json::json;

/// The process lives.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// It does its work.
pub fn ready() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ready" }))
}
