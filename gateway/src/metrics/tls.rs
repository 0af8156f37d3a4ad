//! TLS at the clients' ports.

use certificates::{CertificateSet, rustls::HandshakeKind};
use prometheus::{IntCounterVec, IntGauge, IntGaugeVec};
use serving::metrics::Registrar;

/// Every result, so that each is there from 0.
const RESULTS: [&str; 11] = [
    "full",
    "resumed",
    // The client does not speak TLS, speaks it wrongly, or will have nothing of what is offered.
    "plain",
    "failed",
    "too_large",
    "refused_by_client",
    // It went, or took too long, in the middle of it.
    "client_left",
    "handshake_timeout",
    "given_up_places",
    "given_up_bytes",
    "draining",
];

/// What is counted and shown of it.
pub(crate) struct TlsMetrics {
    handshakes: IntCounterVec,
    /// Open sessions over TLS.
    pub sessions: IntGauge,
    expiry: IntGaugeVec,
}

impl TlsMetrics {
    pub(super) fn new(make: &Registrar) -> Self {
        let handshakes = make.counters(
            "holdfast_tls_handshakes_total",
            "Handshakes of TLS that were begun, by result",
            &["result"],
        );
        RESULTS.iter().for_each(|result| drop(handshakes.with_label_values(&[*result])));
        Self {
            handshakes,
            sessions: make.gauge("holdfast_tls_sessions", "Open sessions over TLS"),
            expiry: make.gauges(
                "holdfast_tls_certificate_expiry_timestamp_seconds",
                "When each certificate that is shown to clients expires, in seconds since 1970",
                &["file"],
            ),
        }
    }

    /// Counts a handshake that has come to nothing, for one of the reasons above.
    pub(crate) fn handshake(&self, result: &str) {
        debug_assert!(RESULTS.contains(&result), "{result} is not born at 0");
        self.handshakes.with_label_values(&[result]).inc();
    }

    /// Counts one that is through.
    pub(crate) fn established(&self, kind: HandshakeKind) {
        self.handshake(match kind {
            HandshakeKind::Resumed => "resumed",
            _ => "full",
        });
    }

    /// Shows the certificates in force.
    pub(crate) fn show(&self, certificates: &CertificateSet) {
        self.expiry.reset();
        for expiry in certificates.expiries() {
            let seconds = i64::try_from(expiry.not_after.as_secs()).unwrap_or(i64::MAX);
            let file = expiry.file.display().to_string();
            self.expiry.with_label_values(&[file.as_str()]).set(seconds);
        }
    }
}
