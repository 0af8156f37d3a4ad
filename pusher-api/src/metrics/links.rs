//! What is counted of links to gateways, and how each of them is.

use certificates::{Cause, Expiry};
use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};
use serving::metrics::{Registrar, signed};

use crate::status::{GatewayStatus, LinkState};

const TLS_FAILURES: &str = "holdfast_pusher_link_tls_failures_total";
const EXPIRY: &str = "holdfast_pusher_link_tls_certificate_expiry_timestamp_seconds";
const UNKNOWN: &str = "holdfast_pusher_link_unknown_total";
const RELAYS: &str = "holdfast_pusher_relays_total";
const DEVICE_PAIRS: &str = "holdfast_pusher_device_pairs";
const CLAIMS: &str = "holdfast_pusher_device_claims_total";
const FAN_OUT_BEHIND: &str = "holdfast_pusher_gateway_fan_out_behind_seconds";
const OLDEST: &str = "holdfast_pusher_oldest_unacknowledged_push_seconds";
const LINK_QUEUE: &str = "holdfast_pusher_link_queue_bytes";
const NAMES_TOPICS: &str = "holdfast_pusher_link_names_topics";
const GATEWAY_QUEUE: &str = "holdfast_pusher_gateway_queue_bytes";

/// What goes over links besides pushes.
pub(crate) struct Links {
    /// Connected links that were lost.
    pub reconnects: IntCounter,
    /// Links that could not be made because of TLS, by cause.
    tls_failures: IntCounterVec,
    /// Until when the certificate is valid that gateways are shown.
    expiry: IntGaugeVec,
    /// Frames of gateways whose kind this build does not know.
    pub unknown_frames: IntCounter,
    /// Answers of gateways that this build does not know.
    pub unknown_answers: IntCounter,
    /// Requests that a gateway does not know.
    pub unsupported_requests: IntCounter,
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
    gauges: LinkGauges,
}

impl Links {
    /// None yet.
    pub(super) fn new(r: &Registrar) -> Self {
        let what = &["what"];
        let unknown = r.counters(UNKNOWN, "What one end of a link does not know", what);
        let unknown = |what: &str| unknown.with_label_values(&[what]);
        let relays =
            r.counters(RELAYS, "Clients' requests for other gateways' sessions", &["result"]);
        let relays = |result: &str| relays.with_label_values(&[result]);
        let claims = r.counters(CLAIMS, "What gateways were told of each other's devices", what);
        let claims = |what: &str| claims.with_label_values(&[what]);
        Self {
            reconnects: r.counter("holdfast_pusher_link_losses_total", "Links that were lost"),
            tls_failures: tls_failures(r),
            expiry: r.gauges(
                EXPIRY,
                "When the certificate that gateways are shown expires, in seconds since 1970",
                &["file"],
            ),
            unknown_frames: unknown("frame"),
            unknown_answers: unknown("answer"),
            unsupported_requests: unknown("request"),
            relays: relays("passed_on"),
            relays_refused: relays("refused"),
            device_pairs: r.gauge(DEVICE_PAIRS, "Pairs of gateways whose devices it tells apart"),
            claims_told: claims("claimed"),
            claims_asked: claims("asked"),
            gauges: LinkGauges::new(r),
        }
    }

    /// Counts a link that could not be made because of TLS.
    pub(crate) fn tls_failed(&self, cause: Cause) {
        self.tls_failures.with_label_values(&[cause.label()]).inc();
    }

    /// Shows until when the certificate is valid that gateways are shown, where there is one.
    pub(crate) fn show_certificate(&self, shown: Option<&Expiry>) {
        self.expiry.reset();
        if let Some(Expiry { file, not_after }) = shown {
            let file = file.display().to_string();
            self.expiry.with_label_values(&[&file]).set(signed(not_after.as_secs()));
        }
    }

    /// Shows these gateways and no others.
    pub(super) fn show(&self, gateways: &[GatewayStatus]) {
        self.gauges.set(gateways);
    }
}

fn tls_failures(r: &Registrar) -> IntCounterVec {
    let help = "Links that could not be made because of TLS, by cause";
    let failures = r.counters(TLS_FAILURES, help, &["cause"]);
    // From 0, so that the first ones are seen as an increase.
    Cause::ALL.iter().for_each(|cause| drop(failures.with_label_values(&[cause.label()])));
    failures
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
