//! The operators' port: health, readiness, metrics, and the door for pusher-apis.

use std::{sync::Arc, time::Duration};

use actix_http::{HttpMessage, Request};
use actix_web::{
    App, Error, HttpRequest, HttpResponse, Resource,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    guard::{Any, Get, Guard, Head},
    http::{Method, header},
    middleware::{Next, from_fn},
    web::{self, Data, ServiceConfig},
};
use protocol::{link, problem::Problem};
use serving::{
    Patience,
    budget::Limits,
    health,
    port::{Port, Routes},
    problem::{head, response},
    secured::Secured,
    upgrade::Switch,
};

use super::{
    counting::{begin_at_zero, count, counted},
    probe::Probe,
    readiness::{Reason, reasons},
    rebalance::{self, run::Rebalancing},
};
use crate::{gateway::Gateway, link as links};

/// How long operators may wait for each other on one connection.
const PATIENCE: Patience =
    Patience { head: Duration::from_secs(5), body: Duration::from_secs(5), ..Patience::DEFAULT };
/// Most bytes held for them.
const BYTES: usize = 8 << 20;
/// Asked by supervisors and Prometheus, and answered however much is going on.
const ALWAYS: &[&str] = &["/healthz", "/readyz", "/metrics"];
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The operators' port.
pub(super) async fn open(gateway: &Arc<Gateway>, probe: &Arc<Probe>) -> Port {
    let app = App::new()
        .app_data(Data::from(Arc::clone(gateway)))
        .app_data(Data::from(Arc::clone(probe)))
        .app_data(Data::from(Arc::<Rebalancing>::default()))
        .wrap(from_fn(certified))
        .wrap(from_fn(counted))
        .configure(routes);
    let links = Arc::clone(gateway);
    begin_at_zero(&gateway.metrics);
    let upgrade = Box::new(move |request: &Request| {
        let decided = upgrade(&links, request);
        let status = decided.as_ref().map_or_else(|refusal| refusal.status().as_u16(), |_| 101);
        count(&links.metrics, request.path(), request.method(), status);
        decided
    });
    let connections = gateway.admission.operators();
    let limits = Limits { connections, bytes: BYTES, patience: PATIENCE };
    let counters = gateway.metrics.operators.clone();
    counters.show_limits(connections, BYTES);
    let Gateway { metrics, admission, settings, .. } = &**gateway;
    let (links, reserve) = (settings.max_links, settings.memory_reserve);
    metrics.standing.show_limits(admission.max_sessions(), links, reserve);
    Port::open(Routes { app, upgrade: Some(upgrade), always: ALWAYS, mark: None }, limits, counters)
        .await
}

fn routes(routes: &mut ServiceConfig) {
    routes
        .service(read_only("/healthz").route(web::route().guard(readers()).to(health::alive)))
        .service(read_only("/readyz").route(web::route().guard(readers()).to(readyz)))
        .service(read_only("/metrics").route(web::route().guard(readers()).to(metrics)))
        .service(
            web::resource(link::PATH)
                .route(web::get().to(upgrade_required))
                .default_service(web::to(|request| only(request, "GET"))),
        )
        .service(rebalance::http::resource())
        .default_service(web::to(not_found));
}

fn readers() -> impl Guard {
    Any(Get()).or(Head())
}

fn read_only(path: &str) -> Resource {
    web::resource(path).default_service(web::to(|request| only(request, "GET, HEAD")))
}

async fn only(request: HttpRequest, allowed: &'static str) -> HttpResponse {
    let detail = format!("{} is not allowed here, use {allowed}", request.method());
    let problem = Problem::new(405, "Method not allowed", detail);
    head(&problem).insert_header((header::ALLOW, allowed)).body(problem.to_json())
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    response(&nothing_at(request.path()))
}

fn nothing_at(path: &str) -> Problem {
    Problem::new(404, "Not Found", format!("nothing is at {path}"))
}

async fn upgrade_required() -> HttpResponse {
    no_link(&links::upgrade::required())
}

/// Why a request opens no link, and what would.
fn no_link(problem: &Problem) -> HttpResponse {
    let mut response = head(problem);
    match problem.status {
        401 => response.insert_header((header::WWW_AUTHENTICATE, "Bearer")),
        426 => response.insert_header((header::UPGRADE, link::UPGRADE)),
        _ => &mut response,
    };
    response.body(problem.to_json())
}

/// What a request to go over to another protocol comes to.
fn upgrade(gateway: &Arc<Gateway>, request: &Request) -> Result<Switch, Box<HttpResponse>> {
    let refuse = |problem: &Problem| Box::new(no_link(problem));
    if request.path() != link::PATH {
        return Err(refuse(&nothing_at(request.path())));
    }
    serving::upgrade::check(request)?;
    if lacks_certificate(gateway, request.extensions().get()) {
        return Err(refuse(&certificate_needed("a link")));
    }
    let secrets = &gateway.link_secrets;
    let switch = links::upgrade::check(secrets, request).map_err(|problem| refuse(&problem))?;
    let Ok(place) = Arc::clone(&gateway.links).try_acquire_owned() else {
        let full = Problem::unavailable("there are as many links as --max-links allows");
        return Err(refuse(&full));
    };
    let gateway = Arc::clone(gateway);
    Ok(Box::new(move |socket, read| {
        // On a task of its own, so that the HTTP machinery goes.
        actix_rt::spawn(async move {
            links::connection::run(gateway, socket, switch, read).await;
            drop(place);
        });
    }))
}

/// Whether a peer would have to prove by a certificate who it is, and has not done so.
fn lacks_certificate(gateway: &Gateway, secured: Option<&Secured>) -> bool {
    let asks = gateway.settings.link_tls.asks_for_certificates();
    asks && secured != Some(&Secured::Certified)
}

fn certificate_needed(what: &str) -> Problem {
    let detail = format!(
        "{what} needs a client certificate that an authority of --link-tls-ca has signed; pusher-api shows \
         that of its --link-tls-cert"
    );
    Problem::new(403, "Forbidden", detail)
}

/// Whoever proves nothing may look, and no more: supervisors and Prometheus have no certificate.
async fn certified(
    gateway: Data<Gateway>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, Error> {
    let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if !only_looks && lacks_certificate(&gateway, request.extensions().get()) {
        let refusal = response(&certificate_needed("what changes something"));
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    Ok(next.call(request).await?.map_into_left_body())
}

async fn readyz(gateway: Data<Gateway>, probe: Data<Probe>) -> HttpResponse {
    match reasons(&gateway, &probe).into_iter().find(|reason| reason.applies) {
        None => health::ready(&[]),
        Some(Reason { detail, .. }) => {
            let problem = Problem::new(503, "Not Ready", detail);
            response(&problem.retry_after(Duration::from_secs(1)))
        }
    }
}

async fn metrics(
    gateway: Data<Gateway>,
    probe: Data<Probe>,
    rebalancing: Data<Rebalancing>,
) -> HttpResponse {
    let shown = &gateway.metrics;
    let text = shown.exposition.text(|| {
        let known = reasons(&gateway, &probe).into_iter();
        shown.standing.show_reasons(known.map(|reason| (reason.label, reason.applies)));
        shown.standing.show_workers(gateway.fan_out.sessions().enumerate());
        shown.standing.show_topics(gateway.directory.topics.known());
        let left = gateway.admission.descriptors_left();
        shown.pending_limit.set(gateway.room.places(left) as i64);
        shown.memory_short.set(gateway.admission.is_short_of_memory().into());
        shown.users.set(gateway.users() as i64);
        shown.push_memory.set(gateway.push_memory.used() as i64);
        shown.outbound_queued.set(gateway.ledger.waiting.used() as i64);
        for (class, used, limit) in gateway.memory() {
            shown.memory(class, used, limit);
        }
        let backlog = gateway.fan_out.backlog();
        let behind = gateway.fan_out.burden(&gateway.directory.topics).behind;
        shown.fan_outs.show(backlog.unfinished, backlog.recipients, behind);
        shown.relays_waiting.set(gateway.directory.relays.waiting() as i64);
        shown.kept.questions_waiting.set(gateway.directory.stores.waiting() as i64);
        shown.kept.acknowledgements_waiting.set(gateway.directory.acknowledgements.len() as i64);
        shown.links_lagging.set(gateway.directory.presence.lagging() as i64);
        shown.recalls.show_rebalance(rebalancing.left());
        shown.recalls.show_others(gateway.directory.others.best().unwrap_or_default());
        shown.link_queue.set(gateway.directory.presence.queued() as i64);
        shown.render()
    });
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, EXPOSITION)).body(text)
}
