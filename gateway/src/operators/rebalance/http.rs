//! `/v1/rebalance` at the operators' port.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, Resource,
    http::header,
    web::{self, Data, Payload},
};
use futures::StreamExt;
use protocol::problem::Problem;
use serving::problem::head;

use super::super::orders;
use super::{
    run::Rebalancing,
    wanted::{MAX_BODY_BYTES, Wanted},
};
use crate::gateway::Gateway;

/// Where it is.
pub(crate) const PATH: &str = "/v1/rebalance";

/// The resource.
pub(crate) fn resource() -> Resource {
    web::resource(PATH)
        .route(web::get().to(show))
        .route(web::head().to(show))
        .route(web::post().to(begin))
        .route(web::delete().to(stop))
        .default_service(web::to(only))
}

async fn only(request: HttpRequest) -> HttpResponse {
    let allowed = "GET, HEAD, POST, DELETE";
    let detail = format!("{} is not allowed here, use {allowed}", request.method());
    let problem = Problem::new(405, "Method not allowed", detail);
    head(&problem).insert_header((header::ALLOW, allowed)).body(problem.to_json())
}

async fn show(gateway: Data<Gateway>, rebalancing: Data<Rebalancing>) -> HttpResponse {
    HttpResponse::Ok().json(rebalancing.report(&gateway))
}

async fn begin(
    request: HttpRequest,
    payload: Payload,
    gateway: Data<Gateway>,
    rebalancing: Data<Rebalancing>,
) -> HttpResponse {
    let begun = async {
        orders::check(&gateway, &request)?;
        let wanted = Wanted::read(&read(payload).await?)?;
        Arc::clone(&rebalancing).begin(&gateway, wanted)
    };
    match begun.await {
        Ok(report) => HttpResponse::Accepted().json(report),
        Err(problem) => orders::refusal(&problem),
    }
}

async fn stop(
    request: HttpRequest,
    gateway: Data<Gateway>,
    rebalancing: Data<Rebalancing>,
) -> HttpResponse {
    if let Err(problem) = orders::check(&gateway, &request) {
        return orders::refusal(&problem);
    }
    rebalancing.stop();
    HttpResponse::Ok().json(rebalancing.report(&gateway))
}

async fn read(mut payload: Payload) -> Result<Vec<u8>, Problem> {
    let mut body = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| serving::body::problem(&error))?;
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            let detail = format!("the body is larger than {MAX_BODY_BYTES} bytes");
            return Err(Problem::new(413, "Body too large", detail));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
