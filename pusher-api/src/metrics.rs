//! What is counted, as Prometheus reads it. No label ever holds a user id.

use actix_web::web::Bytes;
use certificates::Cause;
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
};
use serving::{
    accept,
    counters::Counters,
    exposition::Exposition,
    metrics::{Registrar, signed},
    reloads::Reloads,
};

use crate::{
    settings::Settings,
    status::{GatewayStatus, LinkState, MOST_TOPICS, NotReady},
    store_metrics::StoreMetrics,
};

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// The metrics of one pusher-api.
pub(crate) struct Metrics {
    registrar: Registrar,
    /// Pushes forwarded.
    pub accepted: IntCounter,
    /// Pushes whose id was seen before.
    pub duplicate: IntCounter,
    /// Pushes that are wrong.
    pub invalid: IntCounter,
    /// Pushes refused for lack of room or gateways.
    pub refused: IntCounter,
    /// Pushes refused because a gateway is behind with those to topics and to everybody.
    pub fan_outs_refused: IntCounter,
    /// Pushes by what `to` names.
    pub targets: IntCounterVec,
    /// Entries written to gateways.
    pub entries: IntCounter,
    /// Bytes of client frames accepted.
    pub bytes: IntCounter,
    /// Pushes whose id was another's, or whose receipt is not known any more.
    pub conflict: IntCounter,
    /// Ids forgotten before their time.
    pub ids_forgotten: IntCounter,
    /// Ids that are known.
    pub ids_remembered: IntGauge,
    /// Connected links that were lost.
    pub reconnects: IntCounter,
    /// Links that could not be made because of TLS, by cause.
    link_tls_failures: IntCounterVec,
    /// Pushes dropped because their gateway stayed away.
    pub dropped_at_loss: IntCounter,
    /// Pushes dropped because their gateway came back as another process.
    pub dropped_at_restart: IntCounter,
    /// Pushes that were taken and not handed to a gateway that had no room.
    pub dropped_for_room: IntCounter,
    /// Frames of gateways whose kind this build does not know.
    pub link_unknown_frames: IntCounter,
    /// Answers of gateways that this build does not know.
    pub link_unknown_answers: IntCounter,
    /// Requests that a gateway does not know.
    pub link_unsupported_requests: IntCounter,
    /// Requests of clients that were passed on to the gateways that may have their sessions.
    pub relays: IntCounter,
    /// Those for which too many were under way.
    pub relays_refused: IntCounter,
    /// Between how many two gateways this process decides whose sessions are newer.
    pub device_pairs: IntGauge,
    /// Claims of devices handed on to other gateways.
    pub claims_told: IntCounter,
    /// Times that a gateway was asked which devices a user has there.
    pub claims_asked: IntCounter,
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
    links: LinkGauges,
    exposition: Exposition,
}

struct LinkGauges {
    queue: IntGaugeVec,
    gateway_queue: IntGaugeVec,
    fan_out_behind: GaugeVec,
    oldest: GaugeVec,
    users: IntGaugeVec,
    topics: IntGaugeVec,
    names_topics: IntGaugeVec,
    state: IntGaugeVec,
}

/// What readings of certificates of listeners are counted as.
pub(crate) const LISTENER_SOURCE: &str = "certificates";
/// What is read again, as it stands in labels.
const RELOADS: [&str; 3] = ["files", LISTENER_SOURCE, certificates::LINK_SOURCE];
const REQUESTS: &str = "holdfast_pusher_requests_total";
const FAN_OUTS_REFUSED: &str = "holdfast_pusher_fan_outs_refused_total";
const FAN_OUT_BEHIND: &str = "holdfast_pusher_gateway_fan_out_behind_seconds";
const OLDEST: &str = "holdfast_pusher_oldest_unacknowledged_push_seconds";
const DROPPED: &str = "holdfast_pusher_dropped_pushes_total";
const FORGOTTEN: &str = "holdfast_pusher_ids_forgotten_total";
const REMEMBERED: &str = "holdfast_pusher_ids_remembered";
const NOT_READY: &str = "holdfast_pusher_not_ready";
const ACCEPT_ERRORS: &str = "holdfast_pusher_accept_errors_total";
const RECEIPTS: &str = "holdfast_pusher_receipts_pending";
const LINK_UNKNOWN: &str = "holdfast_pusher_link_unknown_total";
const RELAYS: &str = "holdfast_pusher_relays_total";
const DEVICE_PAIRS: &str = "holdfast_pusher_device_pairs";
const CLAIMS: &str = "holdfast_pusher_device_claims_total";
const LINK_QUEUE: &str = "holdfast_pusher_link_queue_bytes";
const NAMES_TOPICS: &str = "holdfast_pusher_link_names_topics";
const GATEWAY_QUEUE: &str = "holdfast_pusher_gateway_queue_bytes";

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

fn link_tls_failures(r: &Registrar) -> IntCounterVec {
    let help = "Links that could not be made because of TLS, by cause";
    let failures = r.counters("holdfast_pusher_link_tls_failures_total", help, &["cause"]);
    // From 0, so that the first ones are seen as an increase.
    Cause::ALL.iter().for_each(|cause| drop(failures.with_label_values(&[cause.label()])));
    failures
}

impl Default for Metrics {
    fn default() -> Self {
        let registrar = Registrar::default();
        let r = &registrar;
        r.process();
        let results = r.counters(
            "holdfast_pusher_pushes_total",
            "Pushes by what became of them",
            &["result"],
        );
        let dropped = r.counters(DROPPED, "Accepted pushes no gateway acknowledged", &["reason"]);
        let what = &["what"];
        let unknown = r.counters(LINK_UNKNOWN, "What one end of a link does not know", what);
        let unknown = |what: &str| unknown.with_label_values(&[what]);
        let relays =
            r.counters(RELAYS, "Clients' requests for other gateways' sessions", &["result"]);
        let relays = |result: &str| relays.with_label_values(&[result]);
        let claims = r.counters(CLAIMS, "What gateways were told of each other's devices", what);
        let claims = |what: &str| claims.with_label_values(&[what]);
        let result = |result: &str| results.with_label_values(&[result]);
        Self {
            accepted: result("accepted"),
            duplicate: result("duplicate"),
            invalid: result("invalid"),
            refused: result("refused"),
            fan_outs_refused: r
                .counter(FAN_OUTS_REFUSED, "Refused for gateways that are behind with fan-outs"),
            targets: r.counters("holdfast_pusher_targets_total", "Accepted pushes", &["to"]),
            entries: r.counter("holdfast_pusher_entries_total", "Entries handed to links"),
            bytes: r.counter("holdfast_pusher_frame_bytes_total", "Bytes of accepted frames"),
            conflict: result("conflict"),
            ids_forgotten: r.counter(FORGOTTEN, "Ids forgotten early for lack of room"),
            ids_remembered: r.gauge(REMEMBERED, "Ids of the last 5 minutes that are known"),
            reconnects: r.counter("holdfast_pusher_link_losses_total", "Links that were lost"),
            link_tls_failures: link_tls_failures(r),
            dropped_at_loss: dropped.with_label_values(&["gateway_lost"]),
            dropped_for_room: dropped.with_label_values(&["no_room"]),
            dropped_at_restart: dropped.with_label_values(&["gateway_restarted"]),
            link_unknown_frames: unknown("frame"),
            link_unknown_answers: unknown("answer"),
            link_unsupported_requests: unknown("request"),
            relays: relays("passed_on"),
            relays_refused: relays("refused"),
            device_pairs: r.gauge(DEVICE_PAIRS, "Pairs of gateways whose devices it tells apart"),
            claims_told: claims("claimed"),
            claims_asked: claims("asked"),
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
            links: LinkGauges::new(r),
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

impl LinkGauges {
    fn new(r: &Registrar) -> Self {
        let (one, two) = (["gateway"], ["gateway", "state"]);
        let seconds = |name, help| r.keep(GaugeVec::new(Opts::new(name, help), &one));
        Self {
            queue: r.gauges(LINK_QUEUE, "Bytes the gateway has not acknowledged", &one),
            gateway_queue: r.gauges(GATEWAY_QUEUE, "Bytes that wait in the gateway", &one),
            fan_out_behind: seconds(
                FAN_OUT_BEHIND,
                "Work of the gateway with pushes to topics and to all",
            ),
            oldest: seconds(OLDEST, "Age of the oldest push the gateway has not acknowledged"),
            users: r.gauges("holdfast_pusher_link_users", "Users the gateway holds", &one),
            topics: r.gauges("holdfast_pusher_link_topics", "Topics the gateway names", &one),
            names_topics: r.gauges(NAMES_TOPICS, "1 if it is sent pushes to those only", &one),
            state: r.gauges("holdfast_pusher_link_state", "1 for the state it is in", &two),
        }
    }

    /// Shows these gateways and no others.
    fn set(&self, gateways: &[GatewayStatus]) {
        let gauges = [&self.queue, &self.gateway_queue, &self.users, &self.state];
        let of_topics = [&self.topics, &self.names_topics];
        gauges.into_iter().chain(of_topics).for_each(IntGaugeVec::reset);
        [&self.fan_out_behind, &self.oldest].into_iter().for_each(GaugeVec::reset);
        gateways.iter().for_each(|gateway| self.show(gateway));
    }

    fn show(&self, gateway: &GatewayStatus) {
        let address = [gateway.address.as_str()];
        self.queue.with_label_values(&address).set(signed(gateway.queued_bytes));
        self.gateway_queue.with_label_values(&address).set(signed(gateway.gateway_queued_bytes));
        self.users.with_label_values(&address).set(signed(gateway.users));
        self.topics.with_label_values(&address).set(signed(gateway.topics));
        self.names_topics.with_label_values(&address).set(gateway.names_topics.into());
        let behind = gateway.fan_out_behind.as_secs_f64();
        self.fan_out_behind.with_label_values(&address).set(behind);
        let oldest = gateway.oldest_unacknowledged.as_secs_f64();
        self.oldest.with_label_values(&address).set(oldest);
        for state in LinkState::ALL {
            let labels = [gateway.address.as_str(), state.as_str()];
            self.state.with_label_values(&labels).set(i64::from(state == gateway.state));
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

    /// Counts a link that could not be made because of TLS.
    pub(crate) fn link_tls_failed(&self, cause: Cause) {
        self.link_tls_failures.with_label_values(&[cause.label()]).inc();
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
            self.links.set(&gateways());
            self.registrar.text()
        })
    }
}
