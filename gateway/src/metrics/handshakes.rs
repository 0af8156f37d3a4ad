//! What became of connections that came to be sessions.

use prometheus::IntCounterVec;
use protocol::Transport;
use serving::metrics::Registrar;

/// What stands for the transport where a request named none.
pub(super) const NO_TRANSPORT: &str = "http";

/// Every result, so that each is there from 0 and the first of its kind is seen as an increase.
pub(super) const RESULTS: [&str; 27] = [
    "accepted",
    // Refused by who the client is, or for want of room.
    "unauthorized",
    "foreign",
    "too_many_sessions",
    "full",
    "memory",
    "handshake_rate",
    "draining",
    // Refused by what it said.
    "bad_request",
    "not_found",
    "method_not_allowed",
    "upgrade_required",
    "body_too_large",
    "length_required",
    "target_too_long",
    "head_too_large",
    "invalid_frame",
    "frame_too_large",
    "protocol_error",
    "unsupported",
    // It wanted no session: what may be asked for, or to say something to one.
    "no_content",
    "frames",
    "poll",
    // It did not say enough in time, or went.
    "handshake_timeout",
    "client_left",
    // It had waited longest when too many did, or too much was kept.
    "given_up_places",
    "given_up_bytes",
];

/// Counts them.
pub(super) struct Handshakes(IntCounterVec);

impl Handshakes {
    pub(super) fn new(make: &Registrar) -> Self {
        let labels = ["transport", "result"];
        let counters = make.counters("holdfast_handshakes_total", "Handshakes by result", &labels);
        for transport in Transport::ALL.map(Transport::as_str).into_iter().chain([NO_TRANSPORT]) {
            RESULTS.iter().for_each(|it| drop(counters.with_label_values(&[transport, it])));
        }
        Self(counters)
    }

    pub(super) fn count(&self, transport: &str, result: &str) {
        debug_assert!(RESULTS.contains(&result), "{result} is not born at 0");
        self.0.with_label_values(&[transport, result]).inc();
    }
}
