//! Connections that proxies pass on.

use prometheus::{IntCounter, IntCounterVec};
use serving::metrics::Registrar;

/// Why connections are refused at listeners for proxies, as it stands in labels.
const REFUSED: [&str; 6] =
    ["untrusted", "no_header", "version_1", "malformed", "too_long", "foreign"];

/// Counts them.
pub(crate) struct Proxies {
    /// Those with a header that says whose they are.
    pub passed_on: IntCounter,
    refused: IntCounterVec,
}

impl Proxies {
    pub(super) fn new(make: &Registrar) -> Self {
        let refused = make.counters(
            "holdfast_proxy_refused_total",
            "Connections refused at listeners of --proxy-protocol by reason",
            &["reason"],
        );
        REFUSED.iter().for_each(|it| drop(refused.with_label_values(&[*it])));
        let passed_on = make.counter(
            "holdfast_proxy_connections_total",
            "Connections with a PROXY header, which says whose they are",
        );
        Self { passed_on, refused }
    }

    /// Counts a connection that was refused, for one of [`REFUSED`].
    pub(crate) fn refused(&self, reason: &str) {
        debug_assert!(REFUSED.contains(&reason), "{reason} is not born at 0");
        self.refused.with_label_values(&[reason]).inc();
    }
}
