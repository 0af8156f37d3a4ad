//! What a healthy process answers, the same on every port.

use actix_web::HttpResponse;
use serde_json::json;

/// The process lives.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// It does its work, but for what is named, if anything.
pub fn ready(but: &[String]) -> HttpResponse {
    let answer = match but {
        [] => json!({ "status": "ready" }),
        but => json!({ "status": "ready", "but": but }),
    };
    HttpResponse::Ok().json(answer)
}
