//! The operators' port: health, readiness, metrics, and the door for pusher-apis.

use std::{sync::Arc, time::Duration};

use actix_codec::Framed;
use actix_http::{Request, h1};
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, ServiceConfig},
};
use protocol::{link, problem::Problem};
use serde_json::json;
use serving::problem::response;

use super::probe::Probe;
use crate::{
    gateway::Gateway,
    http::{
        answer::{answer, not_found},
        begun::BegunStream,
        serve::{Serve, serve},
    },
    link as links,
};

/// How long an operator's request may take to come whole.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The service of the operators' port.
pub(super) async fn service(gateway: &Arc<Gateway>, probe: &Arc<Probe>) -> Serve {
    let data = (Data::from(Arc::clone(gateway)), Data::from(Arc::clone(probe)));
    let gateway = Arc::clone(gateway);
    let routes = move |routes: &mut ServiceConfig| {
        routes
            .app_data(data.0)
            .app_data(data.1)
            .route("/healthz", web::get().to(healthz))
            .route("/readyz", web::get().to(readyz))
            .route("/metrics", web::get().to(metrics))
            .default_service(web::to(not_found));
    };
    let upgrade = move |request, framed| upgrade(Arc::clone(&gateway), request, framed);
    serve(routes, REQUEST_TIMEOUT, upgrade).await
}

async fn upgrade(
    gateway: Arc<Gateway>,
    request: Request,
    framed: Framed<BegunStream, h1::Codec>,
) -> Result<(), actix_http::Error> {
    if request.path() != link::PATH {
        let detail = format!("nothing to upgrade to at {}", request.path());
        return answer(framed, &Problem::new(404, "Not Found", detail)).await;
    }
    let switch = match links::upgrade::check(&gateway.link_secrets, &request) {
        Ok(switch) => switch,
        Err(problem) => return answer(framed, &problem).await,
    };
    let parts = framed.into_parts();
    // On a task of its own, so that the HTTP machinery goes.
    let ((socket, rest), mut read) = (parts.io.into_parts(), parts.read_buf);
    read.unsplit(rest);
    actix_rt::spawn(links::connection::run(gateway, socket, switch, read));
    Ok(())
}

async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

async fn readyz(gateway: Data<Gateway>, probe: Data<Probe>) -> HttpResponse {
    let reasons = [
        (gateway.admission.is_draining(), "draining"),
        (gateway.admission.is_full(), "as many sessions as --max-sessions allows"),
        (gateway.admission.is_short_of_memory(), "less memory is left than --memory-reserve"),
        (gateway.push_memory.is_full(), "pushes that wait fill --push-memory"),
        (probe.is_late(), "a worker has not delivered its own push lately"),
    ];
    match reasons.into_iter().find(|(applies, _)| *applies) {
        None => HttpResponse::Ok().json(json!({ "status": "ready" })),
        Some((_, reason)) => {
            let problem = Problem::new(503, "Not Ready", reason);
            response(&problem.retry_after(Duration::from_secs(1)))
        }
    }
}

async fn metrics(gateway: Data<Gateway>) -> HttpResponse {
    let shown = &gateway.metrics;
    shown.memory_short.set(gateway.admission.is_short_of_memory().into());
    shown.users.set(gateway.users() as i64);
    shown.push_memory.set(gateway.push_memory.used() as i64);
    let backlog = gateway.fan_out.backlog();
    shown.fan_outs_unfinished.set(backlog.unfinished as i64);
    shown.fan_out_recipients.set(backlog.recipients as i64);
    let behind = gateway.fan_out.burden(&gateway.directory.topics).behind;
    shown.fan_out_behind.set(behind.as_secs_f64());
    shown.links_lagging.set(gateway.directory.presence.lagging() as i64);
    shown.link_queue.set(gateway.directory.presence.queued() as i64);
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, EXPOSITION)).body(shown.render())
}
