//! What operators can watch, in Prometheus' text format. Never a user id.

pub(crate) mod clocks;
mod deliveries;
mod fan_outs;
mod handshakes;
mod kept;
mod labels;
mod proxies;
mod recalls;
mod standing;
mod takeovers;
mod tallies;
mod tls;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use limits::{descriptors, process::resident_bytes};
use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, IntGaugeVec};
use protocol::{CloseReason, Transport, receipt::Outcome};
use serving::{
    accept,
    counters::Counters,
    exposition::Exposition,
    metrics::{Registrar, signed},
    reloads::Reloads,
};

use self::{
    clocks::LinkClocks, deliveries::Deliveries, fan_outs::FanOuts, handshakes::Handshakes,
    kept::KeptMetrics, proxies::Proxies, recalls::Recalls, standing::Standing,
    takeovers::Takeovers, tallies::Tallies, tls::TlsMetrics,
};

/// What is read again, as it stands in labels.
const RELOADS: [&str; 4] = ["files", "url", "certificates", certificates::LINK_SOURCE];

/// Every metric of a gateway. Those touched for each frame are looked up once, here.
pub(crate) struct Metrics {
    registrar: Registrar,
    sessions: [IntGauge; Transport::ALL.len()],
    handshakes: Handshakes,
    /// Readiness, limits, and sessions by worker.
    pub standing: Standing,
    closed: IntCounterVec,
    /// TLS.
    pub tls: TlsMetrics,
    /// What is counted for each push and frame.
    pub tallies: Tallies,
    /// What became of them in the end.
    pub deliveries: Deliveries,
    accept_errors: IntCounterVec,
    /// Connections that are not sessions and have no answer yet.
    pub pending: IntGauge,
    /// The most there may be, those with an answer among them.
    pub pending_limit: IntGauge,
    /// Bytes kept of what they have sent.
    pub pending_bytes: IntGauge,
    /// The most of these that may be kept.
    pub pending_bytes_limit: IntGauge,
    /// Connections that have their answer and are about to go.
    pub answered: IntGauge,
    /// Polls that wait for something new.
    pub polls_held: IntGauge,
    /// Connections kept for a next poll.
    pub polls_between: IntGauge,
    /// Those of them that were closed before they had gone by themselves.
    pub answered_cut_short: IntCounter,
    /// Times accepting waited because all places were taken by young connections.
    pub accept_pauses: IntCounter,
    /// Whether connections have been kept out for long because something has run out.
    pub accept_blocked: IntGauge,
    /// Users with at least one session.
    pub users: IntGauge,
    /// Bytes that wait behind slow sockets.
    pub outbound_queued: IntGauge,
    /// Bytes of pushes that wait anywhere.
    pub push_memory: IntGauge,
    /// Pushes to topics and to everybody that are on their way.
    pub fan_outs: FanOuts,
    /// Sessions that are asked to come back.
    pub recalls: Recalls,
    /// Connections that proxies pass on.
    pub proxies: Proxies,
    /// Bytes that peers make the process hold, and their bounds, by class.
    memory: IntGaugeVec,
    memory_limit: IntGaugeVec,
    /// Sessions closed because others need the memory they hold.
    given_up: IntCounterVec,
    /// Sessions closed because they read too slowly.
    pub slow_consumers: IntCounter,
    /// How the clocks of pusher-apis go.
    pub link_clocks: LinkClocks,
    /// Links of pusher-apis that are up.
    pub links: IntGauge,
    /// Links whose pusher-apis are not waited for, because they do not confirm.
    pub links_lagging: IntGauge,
    /// Requests that wait for sessions of other gateways.
    pub relays_waiting: IntGauge,
    /// What is kept.
    pub kept: KeptMetrics,
    /// Bytes that wait to be written to pusher-apis.
    pub link_queue: IntGauge,
    /// Links closed because the pusher-api took too little.
    pub link_overflows: IntCounter,
    /// Batches that came a second time and were skipped.
    pub link_repeats: IntCounter,
    /// Frames of links whose kind this build does not know.
    pub link_unknown_frames: IntCounter,
    /// Requests of pusher-apis that this build does not know.
    pub link_unknown_requests: IntCounter,
    /// Pushes that this build must not deliver, because it does not know what they mean.
    pub link_unknown_pushes: IntCounter,
    /// Hellos, and words of subscriptions, that went out before every pusher-api had confirmed.
    pub unconfirmed_hellos: IntCounter,
    /// The text, as long as it is fresh.
    pub exposition: Exposition,
    /// The operators' port.
    pub operators: Counters,
    operators_requests: IntCounterVec,
    /// Takeovers by another process, and from one.
    pub takeovers: Takeovers,
    links_ended: IntCounterVec,
    relays: IntCounterVec,
    /// Sessions that ended by a panic of our own.
    pub session_panics: IntCounter,
    /// In microseconds.
    longest_stall: AtomicU64,
    stall: Gauge,
    /// Bytes of memory left where it is tightest.
    pub memory_left: IntGauge,
    /// Whether that is so little that sessions are refused.
    pub memory_short: IntGauge,
    /// Keys that tokens are checked with.
    pub keys: IntGauge,
    /// Times that they were read or fetched again.
    pub key_reloads: Reloads,
    fds_open: IntGauge,
    fds_limit: IntGauge,
    resident: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let make = Registrar::default();
        make.process();
        let sessions = make.gauges("holdfast_sessions", "Open sessions", &["transport"]);
        let tallies = make.keep(Tallies::new());
        let closed = make.counters(
            "holdfast_sessions_closed_total",
            "Ended sessions by reason",
            &["reason"],
        );
        let accept_errors =
            make.counters("holdfast_accept_errors_total", "Failed accepts by errno", &["errno"]);
        let unknown = make.counters(
            "holdfast_link_unknown_total",
            "What a newer pusher-api said and this gateway does not know",
            &["what"],
        );
        let unknown = |what: &str| unknown.with_label_values(&[what]);
        let given_up = make.counters(
            "holdfast_memory_given_up_total",
            "Sessions closed because what they hold is needed by others",
            &["class"],
        );
        ["incomplete", "outbound"].iter().for_each(|it| drop(given_up.with_label_values(&[*it])));
        // From 0, so that the first ones are seen as an increase.
        CloseReason::ALL.iter().for_each(|it| drop(closed.with_label_values(&[it.as_str()])));
        accept::ERRORS.iter().for_each(|(_, name)| drop(accept_errors.with_label_values(&[*name])));
        Self {
            sessions: Transport::ALL.map(|one| sessions.with_label_values(&[one.as_str()])),
            deliveries: Deliveries::new(&make, tallies.clone()),
            tallies,
            handshakes: Handshakes::new(&make),
            standing: Standing::new(&make),
            tls: TlsMetrics::new(&make),
            closed,
            accept_errors,
            pending: make.gauge(
                "holdfast_handshakes_pending",
                "Connections that are not sessions and have no answer yet",
            ),
            pending_limit: make.gauge(
                "holdfast_handshakes_pending_limit",
                "Most connections that are not sessions, answered ones among them",
            ),
            pending_bytes: make.gauge(
                "holdfast_handshakes_pending_bytes",
                "Bytes kept of requests and first lines that have not come whole",
            ),
            pending_bytes_limit: make.gauge(
                "holdfast_handshakes_pending_bytes_limit",
                "Most bytes kept of requests and first lines that have not come whole",
            ),
            polls_held: make.gauge("holdfast_polls_held", "Polls that wait for something new"),
            polls_between: make.gauge(
                "holdfast_poll_connections_idle",
                "Connections that are kept for the next poll",
            ),
            answered: make.gauge(
                "holdfast_handshakes_answered",
                "Connections that were refused and are about to be closed",
            ),
            answered_cut_short: make.counter(
                "holdfast_handshakes_answered_cut_short_total",
                "Refused connections closed before the client had gone by itself",
            ),
            accept_pauses: make.counter(
                "holdfast_accept_pauses_total",
                "Times accepting waited, for 200 ms at most, because young connections took all places",
            ),
            accept_blocked: make.gauge(
                "holdfast_accept_blocked",
                "1 while no connection could be accepted for more than a second",
            ),
            users: make.gauge("holdfast_users", "Users with at least one session"),
            outbound_queued: make
                .gauge("holdfast_outbound_queued_bytes", "Bytes waiting behind slow sockets"),
            push_memory: make
                .gauge("holdfast_push_memory_bytes", "Bytes of pushes waiting in the process"),
            fan_outs: FanOuts::new(&make),
            recalls: Recalls::new(&make),
            proxies: Proxies::new(&make),
            memory: make.gauges(
                "holdfast_memory_bytes",
                "Bytes that peers make the process hold, by what for",
                &["class"],
            ),
            memory_limit: make.gauges(
                "holdfast_memory_limit_bytes",
                "The most bytes that there may be of each class",
                &["class"],
            ),
            given_up,
            slow_consumers: make.counter(
                "holdfast_slow_consumer_closes_total",
                "Sessions closed because they read too slowly",
            ),
            link_clocks: LinkClocks::new(&make),
            links: make.gauge("holdfast_links", "Links of pusher-apis that are up"),
            relays_waiting: make.gauge(
                "holdfast_relays_waiting",
                "Clients' requests that wait for sessions of other gateways",
            ),
            kept: KeptMetrics::new(&make),
            links_lagging: make.gauge(
                "holdfast_links_lagging",
                "Links of pusher-apis that confirm too late who is here; no hello waits for them",
            ),
            link_queue: make
                .gauge("holdfast_link_queue_bytes", "Bytes waiting to be written to pusher-apis"),
            link_overflows: make.counter(
                "holdfast_link_overflows_total",
                "Links closed because the pusher-api took too little",
            ),
            link_repeats: make
                .counter("holdfast_link_repeats_total", "Batches that came again and were skipped"),
            link_unknown_frames: unknown("frame"),
            link_unknown_requests: unknown("request"),
            link_unknown_pushes: unknown("push"),
            unconfirmed_hellos: make.counter(
                "holdfast_unconfirmed_hellos_total",
                "Hellos and subscriptions told before every pusher-api had confirmed them",
            ),
            session_panics: make
                .counter("holdfast_session_panics_total", "Sessions ended by a panic, a bug"),
            exposition: Exposition::default(),
            operators: Counters::new(&make, "holdfast_operators"),
            operators_requests: make.counters(
                "holdfast_operators_requests_total",
                "Requests answered at the operators' port",
                &["route", "method", "status"],
            ),
            takeovers: Takeovers::new(&make),
            links_ended: labels::links_ended(&make),
            relays: labels::relays(&make),
            longest_stall: AtomicU64::new(0),
            stall: make.keep(Gauge::new(
                "holdfast_worker_longest_stall_seconds",
                "Longest time a worker was busy without a break (with --measure-stalls)",
            )),
            memory_left: make.gauge(
                "holdfast_memory_left_bytes",
                "Memory left in the cgroup or on the machine, whichever is less",
            ),
            memory_short: make.gauge(
                "holdfast_memory_short",
                "1 while sessions are refused because less than --memory-reserve is left",
            ),
            keys: make.gauge("holdfast_keys", "Keys that clients' tokens are checked with"),
            key_reloads: Reloads::new(&make, "holdfast", &RELOADS),
            fds_open: make.gauge("holdfast_fds_open", "Open descriptors of the process"),
            fds_limit: make.gauge("holdfast_fds_limit", "Descriptors the process may open"),
            resident: make.gauge("holdfast_resident_memory_bytes", "Resident set of the process"),
            registrar: make,
        }
    }
}

impl Metrics {
    /// Open sessions of a transport.
    pub(crate) fn sessions(&self, transport: Transport) -> &IntGauge {
        &self.sessions[transport as usize]
    }

    /// Open sessions in all.
    pub(crate) fn all_sessions(&self) -> i64 {
        self.sessions.iter().map(IntGauge::get).sum()
    }

    /// Counts a handshake that ended with a result, one of [`RESULTS`](handshakes::RESULTS).
    pub(crate) fn handshake(&self, transport: Transport, result: &str) {
        self.handshakes.count(transport.as_str(), result);
    }

    /// The same for a request that named no transport.
    pub(crate) fn request(&self, result: &str) {
        self.handshakes.count(handshakes::NO_TRANSPORT, result);
    }

    /// Counts the end of a session.
    pub(crate) fn closed(&self, reason: CloseReason) {
        self.closed.with_label_values(&[reason.as_str()]).inc();
        if reason == CloseReason::TooSlow {
            self.slow_consumers.inc();
        }
    }

    /// Counts a session that was closed because others need the memory it holds.
    pub(crate) fn given_up(&self, reason: CloseReason) {
        let class = match reason {
            CloseReason::TooSlow => "outbound",
            _ => "incomplete",
        };
        self.given_up.with_label_values(&[class]).inc();
    }

    /// Shows what a class of memory takes, and the most it may.
    pub(crate) fn memory(&self, class: &str, used: usize, limit: usize) {
        self.memory.with_label_values(&[class]).set(signed(used));
        self.memory_limit.with_label_values(&[class]).set(signed(limit));
    }

    /// Counts what became of a push.
    pub(crate) fn push(&self, outcome: Outcome) {
        self.tallies.here().pushes[outcome as usize].add(1);
    }

    /// Counts a failed accept.
    pub(crate) fn accept_error(&self, error: &std::io::Error) {
        self.accept_errors.with_label_values(&[&accept::error_name(error)]).inc();
    }

    /// Counts so many answers at the operators' port.
    pub(crate) fn operators_request(&self, route: &str, method: &str, status: u16, count: u64) {
        let labels = [route, method, &status.to_string()];
        self.operators_requests.with_label_values(&labels).inc_by(count);
    }

    /// Counts the end of a link, for one of [`labels::LINK_ENDS`].
    pub(crate) fn link_ended(&self, reason: &str) {
        debug_assert!(labels::LINK_ENDS.contains(&reason), "{reason} is not born at 0");
        self.links_ended.with_label_values(&[reason]).inc();
    }

    /// Counts what became of a request for a session of another gateway.
    pub(crate) fn relayed(&self, result: &str) {
        debug_assert!(labels::RELAYS.contains(&result), "{result} is not born at 0");
        self.relays.with_label_values(&[result]).inc();
    }

    /// Takes note of a time in which a worker was busy without a break.
    pub(crate) fn stall(&self, length: Duration) {
        self.longest_stall.fetch_max(length.as_micros() as u64, Ordering::Relaxed);
    }

    /// The exposition text, with the process's own figures brought up to date.
    pub(crate) fn render(&self) -> Vec<u8> {
        self.stall.set(self.longest_stall.load(Ordering::Relaxed) as f64 / 1e6);
        self.fds_open.set(descriptors::open_count() as i64);
        self.fds_limit.set(descriptors::soft_limit() as i64);
        self.resident.set(resident_bytes() as i64);
        self.registrar.text()
    }
}
