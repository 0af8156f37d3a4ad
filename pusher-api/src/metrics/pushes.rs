//! What is counted of pushes, from being taken to being handed to gateways.

use prometheus::{IntCounter, IntCounterVec};
use serving::metrics::Registrar;

const RESULTS: &str = "holdfast_pusher_pushes_total";
const FAN_OUTS_REFUSED: &str = "holdfast_pusher_fan_outs_refused_total";
const DROPPED: &str = "holdfast_pusher_dropped_pushes_total";

/// Pushes, and what became of them.
pub(crate) struct Pushes {
    /// Pushes forwarded.
    pub accepted: IntCounter,
    /// Pushes whose id was seen before.
    pub duplicate: IntCounter,
    /// Pushes that are wrong.
    pub invalid: IntCounter,
    /// Pushes refused for lack of room or gateways.
    pub refused: IntCounter,
    /// Pushes whose id was another's, or whose receipt is not known any more.
    pub conflict: IntCounter,
    /// Pushes refused because a gateway is behind with those to topics and to everybody.
    pub fan_outs_refused: IntCounter,
    /// Pushes by what `to` names.
    pub targets: IntCounterVec,
    /// Entries written to gateways.
    pub entries: IntCounter,
    /// Bytes of client frames accepted.
    pub bytes: IntCounter,
    /// Pushes dropped because their gateway stayed away.
    pub dropped_at_loss: IntCounter,
    /// Pushes dropped because their gateway came back as another process.
    pub dropped_at_restart: IntCounter,
    /// Pushes that were taken and not handed to a gateway that had no room.
    pub dropped_for_room: IntCounter,
}

impl Pushes {
    /// None yet.
    pub(super) fn new(r: &Registrar) -> Self {
        let results = r.counters(RESULTS, "Pushes by what became of them", &["result"]);
        let result = |result: &str| results.with_label_values(&[result]);
        let dropped = r.counters(DROPPED, "Accepted pushes no gateway acknowledged", &["reason"]);
        let dropped = |reason: &str| dropped.with_label_values(&[reason]);
        let behind = "Refused for gateways that are behind with fan-outs";
        Self {
            accepted: result("accepted"),
            duplicate: result("duplicate"),
            invalid: result("invalid"),
            refused: result("refused"),
            conflict: result("conflict"),
            fan_outs_refused: r.counter(FAN_OUTS_REFUSED, behind),
            targets: r.counters("holdfast_pusher_targets_total", "Accepted pushes", &["to"]),
            entries: r.counter("holdfast_pusher_entries_total", "Entries handed to links"),
            bytes: r.counter("holdfast_pusher_frame_bytes_total", "Bytes of accepted frames"),
            dropped_at_loss: dropped("gateway_lost"),
            dropped_at_restart: dropped("gateway_restarted"),
            dropped_for_room: dropped("no_room"),
        }
    }
}
