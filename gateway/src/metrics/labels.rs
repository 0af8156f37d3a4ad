//! Values of labels that are born at 0, so that the first ones are seen as an increase.

use prometheus::IntCounterVec;
use serving::metrics::Registrar;

/// Why links end, as it stands in labels.
pub(super) const LINK_ENDS: [&str; 8] =
    ["closed", "lost", "silent", "bad_frame", "no_hello", "no_common_version", "overflow", "moved"];

/// What becomes of requests for sessions of other gateways, as it stands in labels.
pub(super) const RELAYS: [&str; 5] = ["done", "refused", "not_here", "no_way", "lost"];

/// Ended links.
pub(super) fn links_ended(make: &Registrar) -> IntCounterVec {
    let ended = make.counters("holdfast_links_ended_total", "Ended links by reason", &["reason"]);
    LINK_ENDS.iter().for_each(|it| drop(ended.with_label_values(&[*it])));
    ended
}

/// Requests for sessions of other gateways.
pub(super) fn relays(make: &Registrar) -> IntCounterVec {
    let relays = make.counters(
        "holdfast_relays_total",
        "Clients' requests for sessions of other gateways by what became of them",
        &["result"],
    );
    RELAYS.iter().for_each(|it| drop(relays.with_label_values(&[*it])));
    relays
}
