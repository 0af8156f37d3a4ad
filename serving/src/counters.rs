//! What is shown of a port's connections.

use certificates::{Expiry, Server};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec};

use crate::{ending::Ending, handshakes::Handshakes, metrics::Registrar, signed::signed};

/// The statuses that are answered before a request reaches a route.
const REFUSALS: [u16; 7] = [400, 408, 413, 414, 417, 431, 503];

/// Gauges and counters of one port, shared by its threads.
#[derive(Debug, Clone)]
pub struct Counters {
    /// Open connections.
    pub(crate) connections: IntGauge,
    /// Those of them without a request in progress.
    pub(crate) waiting: IntGauge,
    /// Bytes held for them.
    pub(crate) bytes: IntGauge,
    /// Connections for which there was no place at all.
    pub(crate) turned_away: IntCounter,
    /// Handshakes of TLS.
    pub(crate) handshakes: Handshakes,
    expiries: IntGaugeVec,
    given_up: IntCounterVec,
    refused: IntCounterVec,
    connections_limit: IntGauge,
    bytes_limit: IntGauge,
}

impl Counters {
    /// Metrics whose names begin like this, `holdfast_operators` for example.
    pub fn new(make: &Registrar, prefix: &str) -> Self {
        let name = |rest: &str| format!("{prefix}_{rest}");
        let reason = ["reason"];
        let given_up = make.counters(
            &name("connections_given_up_total"),
            "Connections closed while they waited for their peer, by what they waited for or needed",
            &reason,
        );
        let refused = make.counters(
            &name("requests_refused_total"),
            "Requests answered before they reached a route, by status",
            &["status"],
        );
        // From 0, so that the first ones are seen as an increase.
        Ending::LABELS.iter().for_each(|label| drop(given_up.with_label_values(&[*label])));
        REFUSALS.iter().for_each(|it| drop(refused.with_label_values(&[it.to_string()])));
        Self {
            connections: make.gauge(&name("connections"), "Open HTTP connections"),
            waiting: make.gauge(
                &name("connections_waiting"),
                "Open HTTP connections without a request in progress: new ones, heads that have not come \
                 whole, kept ones",
            ),
            bytes: make.gauge(&name("request_bytes"), "Bytes held for HTTP requests and answers"),
            turned_away: make.counter(
                &name("connections_turned_away_total"),
                "New connections closed because every other one had a request in progress",
            ),
            handshakes: Handshakes::new(make, &name("tls_handshakes_total")),
            expiries: make.gauges(
                &name("tls_certificate_expiry_timestamp_seconds"),
                "When each certificate that is shown expires, in seconds since 1970",
                &["file"],
            ),
            given_up,
            refused,
            connections_limit: make.gauge(&name("connections_limit"), "Most HTTP connections"),
            bytes_limit: make
                .gauge(&name("request_bytes_limit"), "Most bytes held for HTTP requests"),
        }
    }

    /// Shows the limits of all threads together.
    pub fn show_limits(&self, connections: usize, bytes: usize) {
        self.connections_limit.set(connections as i64);
        self.bytes_limit.set(bytes as i64);
    }

    /// Shows until when the certificates are valid that are shown to peers.
    pub fn show_certificates(&self, shown: &Server) {
        self.expiries.reset();
        for Expiry { file, not_after } in shown.certificates.expiries() {
            let file = file.display().to_string();
            self.expiries.with_label_values(&[&file]).set(signed(not_after.as_secs()));
        }
    }

    pub(crate) fn given_up(&self, ending: Ending) {
        if let Some(label) = ending.label() {
            self.given_up.with_label_values(&[label]).inc();
        }
    }

    pub(crate) fn refused(&self, status: u16) {
        self.refused.with_label_values(&[status.to_string()]).inc();
    }
}
