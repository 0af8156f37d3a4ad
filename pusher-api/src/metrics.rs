//! What is counted, as Prometheus reads it. No label ever holds a user id.

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use serving::metrics::Registrar;

use crate::status::{GatewayStatus, LinkState};

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
    /// Pushes by what `to` names.
    pub targets: IntCounterVec,
    /// Entries written to gateways.
    pub entries: IntCounter,
    /// Bytes of client frames accepted.
    pub bytes: IntCounter,
    /// Ids forgotten before their time.
    pub dedupe_evictions: IntCounter,
    /// Connected links that were lost.
    pub reconnects: IntCounter,
    /// Pushes dropped because their gateway stayed away.
    pub dropped_at_loss: IntCounter,
    /// Pushes dropped because their gateway came back as another process.
    pub dropped_at_restart: IntCounter,
    /// Frames of gateways whose kind this build does not know.
    pub link_unknown_frames: IntCounter,
    /// Answers of gateways that this build does not know.
    pub link_unknown_answers: IntCounter,
    /// Requests that a gateway does not know.
    pub link_unsupported_requests: IntCounter,
    /// Pushes that wait for receipts.
    pub receipts_pending: IntGauge,
    /// Requests by route, method and status.
    pub requests: IntCounterVec,
    /// Time to answer, by route.
    pub request_seconds: HistogramVec,
    links: LinkGauges,
}

struct LinkGauges {
    queue: IntGaugeVec,
    gateway_queue: IntGaugeVec,
    users: IntGaugeVec,
    state: IntGaugeVec,
}

const REQUESTS: &str = "holdfast_pusher_requests_total";
const DROPPED: &str = "holdfast_pusher_dropped_pushes_total";
const EVICTIONS: &str = "holdfast_pusher_dedupe_evictions_total";
const RECEIPTS: &str = "holdfast_pusher_receipts_pending";
const LINK_UNKNOWN: &str = "holdfast_pusher_link_unknown_total";
const LINK_QUEUE: &str = "holdfast_pusher_link_queue_bytes";
const GATEWAY_QUEUE: &str = "holdfast_pusher_gateway_queue_bytes";

fn durations(r: &Registrar) -> HistogramVec {
    let name = "holdfast_pusher_request_duration_seconds";
    let buckets = vec![0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0];
    let options = HistogramOpts::new(name, "Time to answer a request").buckets(buckets);
    r.keep(HistogramVec::new(options, &["route"]))
}

impl Default for Metrics {
    fn default() -> Self {
        let registrar = Registrar::default();
        let r = &registrar;
        let results = r.counters(
            "holdfast_pusher_pushes_total",
            "Pushes by what became of them",
            &["result"],
        );
        let dropped = r.counters(DROPPED, "Accepted pushes no gateway acknowledged", &["reason"]);
        let what = &["what"];
        let unknown = r.counters(LINK_UNKNOWN, "What one end of a link does not know", what);
        let unknown = |what: &str| unknown.with_label_values(&[what]);
        let result = |result: &str| results.with_label_values(&[result]);
        Self {
            accepted: result("accepted"),
            duplicate: result("duplicate"),
            invalid: result("invalid"),
            refused: result("refused"),
            targets: r.counters("holdfast_pusher_targets_total", "Accepted pushes", &["to"]),
            entries: r.counter("holdfast_pusher_entries_total", "Entries handed to links"),
            bytes: r.counter("holdfast_pusher_frame_bytes_total", "Bytes of accepted frames"),
            dedupe_evictions: r.counter(EVICTIONS, "Ids forgotten early for lack of room"),
            reconnects: r.counter("holdfast_pusher_link_losses_total", "Links that were lost"),
            dropped_at_loss: dropped.with_label_values(&["gateway_lost"]),
            dropped_at_restart: dropped.with_label_values(&["gateway_restarted"]),
            link_unknown_frames: unknown("frame"),
            link_unknown_answers: unknown("answer"),
            link_unsupported_requests: unknown("request"),
            receipts_pending: r.gauge(RECEIPTS, "Pushes waiting for receipts"),
            requests: r.counters(REQUESTS, "Requests answered", &["route", "method", "status"]),
            request_seconds: durations(r),
            links: LinkGauges::new(r),
            registrar,
        }
    }
}

impl LinkGauges {
    fn new(r: &Registrar) -> Self {
        let (one, two) = (["gateway"], ["gateway", "state"]);
        Self {
            queue: r.gauges(LINK_QUEUE, "Bytes the gateway has not acknowledged", &one),
            gateway_queue: r.gauges(GATEWAY_QUEUE, "Bytes that wait in the gateway", &one),
            users: r.gauges("holdfast_pusher_link_users", "Users the gateway holds", &one),
            state: r.gauges("holdfast_pusher_link_state", "1 for the state it is in", &two),
        }
    }

    /// Shows these gateways and no others.
    fn set(&self, gateways: &[GatewayStatus]) {
        let gauges = [&self.queue, &self.gateway_queue, &self.users, &self.state];
        gauges.into_iter().for_each(IntGaugeVec::reset);
        gateways.iter().for_each(|gateway| self.show(gateway));
    }

    fn show(&self, gateway: &GatewayStatus) {
        let signed = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let address = [gateway.address.as_str()];
        self.queue.with_label_values(&address).set(signed(gateway.queued_bytes));
        self.gateway_queue.with_label_values(&address).set(signed(gateway.gateway_queued_bytes));
        self.users.with_label_values(&address).set(signed(gateway.users));
        for state in LinkState::ALL {
            let labels = [gateway.address.as_str(), state.as_str()];
            self.state.with_label_values(&labels).set(i64::from(state == gateway.state));
        }
    }
}

impl Metrics {
    /// Everything as text, with the links to these gateways as they are now.
    pub(crate) fn text(&self, gateways: &[GatewayStatus]) -> Vec<u8> {
        self.links.set(gateways);
        self.registrar.text()
    }
}
