//! What is counted, as Prometheus reads it. No label ever holds a user id.

mod links;
mod pushes;

use actix_web::web::Bytes;
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use serving::{
    accept,
    counters::Counters,
    exposition::Exposition,
    metrics::{Registrar, signed},
    reloads::Reloads,
};

use self::{links::Links, pushes::Pushes};
use crate::{
    settings::Settings,
    status::{GatewayStatus, MOST_TOPICS, NotReady},
    store_metrics::StoreMetrics,
};

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// The metrics of one pusher-api.
pub(crate) struct Metrics {
    registrar: Registrar,
    /// Pushes, and what became of them.
    pub pushes: Pushes,
    /// What goes over links.
    pub links: Links,
    /// Ids forgotten before their time.
    pub ids_forgotten: IntCounter,
    /// Ids that are known.
    pub ids_remembered: IntGauge,
    /// Pushes that wait for receipts.
    pub receipts_pending: IntGauge,
    /// 1 where pushes can be taken.
    ready: IntGauge,
    /// 1 for the reason why they cannot.
    not_ready: IntGaugeVec,
    limits: Limits,
    /// Requests by route, method and status.
    pub requests: IntCounterVec,
    /// The store.
    pub store: StoreMetrics,
    /// Connections of backends.
    pub http: Counters,
    accept_errors: IntCounterVec,
    keys: IntGauge,
    /// Times that keys and secrets were read again.
    pub key_reloads: Reloads,
    /// Time to answer, by route.
    pub request_seconds: HistogramVec,
    exposition: Exposition,
}

/// What readings of certificates of listeners are counted as.
pub(crate) const LISTENER_SOURCE: &str = "certificates";
/// What is read again, as it stands in labels.
const RELOADS: [&str; 3] = ["files", LISTENER_SOURCE, certificates::LINK_SOURCE];
const REQUESTS: &str = "holdfast_pusher_requests_total";
const FORGOTTEN: &str = "holdfast_pusher_ids_forgotten_total";
const REMEMBERED: &str = "holdfast_pusher_ids_remembered";
const NOT_READY: &str = "holdfast_pusher_not_ready";
const ACCEPT_ERRORS: &str = "holdfast_pusher_accept_errors_total";
const RECEIPTS: &str = "holdfast_pusher_receipts_pending";

fn durations(r: &Registrar) -> HistogramVec {
    let name = "holdfast_pusher_request_duration_seconds";
    let buckets = vec![0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];
    let options = HistogramOpts::new(name, "Time to answer a request").buckets(buckets);
    r.keep(HistogramVec::new(options, &["route"]))
}

fn accept_errors(r: &Registrar) -> IntCounterVec {
    let errors = r.counters(ACCEPT_ERRORS, "Failed accepts by errno", &["errno"]);
    // From 0, so that the first ones are seen as an increase.
    accept::ERRORS.iter().for_each(|(_, name)| drop(errors.with_label_values(&[*name])));
    errors
}

impl Default for Metrics {
    fn default() -> Self {
        let registrar = Registrar::default();
        let r = &registrar;
        r.process();
        Self {
            pushes: Pushes::new(r),
            links: Links::new(r),
            ids_forgotten: r.counter(FORGOTTEN, "Ids forgotten early for lack of room"),
            ids_remembered: r.gauge(REMEMBERED, "Ids of the last 5 minutes that are known"),
            receipts_pending: r.gauge(RECEIPTS, "Pushes waiting for receipts"),
            ready: r.gauge("holdfast_pusher_ready", "1 if pushes can be taken"),
            not_ready: r.gauges(NOT_READY, "1 for why pushes cannot be taken", &["reason"]),
            limits: Limits::new(r),
            requests: r.counters(REQUESTS, "Requests answered", &["route", "method", "status"]),
            store: StoreMetrics::new(r),
            http: Counters::new(r, "holdfast_pusher"),
            accept_errors: accept_errors(r),
            keys: r.gauge("holdfast_pusher_keys", "API keys that backends may present"),
            key_reloads: Reloads::new(r, "holdfast_pusher", &RELOADS),
            request_seconds: durations(r),
            exposition: Exposition::default(),
            registrar,
        }
    }
}

/// What was set as a limit, beside what is measured against it.
struct Limits {
    ids: IntGauge,
    receipts: IntGauge,
    link_queue: IntGauge,
    topics: IntGauge,
}

impl Limits {
    fn new(r: &Registrar) -> Self {
        let gauge = |name, help| r.gauge(name, help);
        Self {
            ids: gauge("holdfast_pusher_ids_limit", "Most ids that can be known"),
            receipts: gauge(
                "holdfast_pusher_receipts_pending_limit",
                "Most pushes that may wait for receipts",
            ),
            link_queue: gauge(
                "holdfast_pusher_link_queue_limit_bytes",
                "Most bytes a gateway may leave unacknowledged",
            ),
            topics: gauge(
                "holdfast_pusher_topics_limit",
                "Most topics remembered, once for each gateway that names them",
            ),
        }
    }
}

impl Metrics {
    /// Begins to count: what is known before anything has come, and what was set.
    pub(crate) fn begin(&self, settings: &Settings, ids: usize) {
        self.limits.ids.set(signed(ids));
        self.limits.receipts.set(signed(settings.pending_receipts));
        self.limits.link_queue.set(signed(settings.link_queue));
        self.limits.topics.set(signed(MOST_TOPICS));
    }

    /// Shows how many API keys are in force.
    pub(crate) fn show_keys(&self, count: usize) {
        self.keys.set(signed(count));
    }

    /// Counts a failed accept.
    pub(crate) fn accept_error(&self, error: &std::io::Error) {
        self.accept_errors.with_label_values(&[&accept::error_name(error)]).inc();
    }

    /// Everything as text, with readiness and the links to these gateways as they are now, or as
    /// they were a moment ago where many ask.
    pub(crate) fn text(
        &self,
        not_ready: Option<NotReady>,
        gateways: impl FnOnce() -> Vec<GatewayStatus>,
    ) -> Bytes {
        self.exposition.text(|| {
            self.ready.set(i64::from(not_ready.is_none()));
            let reason = not_ready.map(|reason| reason.as_str());
            for known in NotReady::REASONS {
                let is_it = i64::from(reason == Some(known));
                self.not_ready.with_label_values(&[known]).set(is_it);
            }
            self.links.show(&gateways());
            self.registrar.text()
        })
    }
}
