//! What is shown of TLS handshakes at a port.

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use certificates::{Cause, explain_io};
use parking_lot::Mutex;
use prometheus::IntCounterVec;
use tracing::{debug, warn};

use crate::metrics::Registrar;

/// Peers with a wrong certificate come again and again; a line a minute tells of them.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// One that went well.
const OK: &str = "ok";
/// The peer was too slow, or its place was needed.
const GIVEN_UP: &str = "given_up";
/// The connection was lost.
const LOST: &str = "lost";

/// Counts them by what came of them; shared by a port's threads.
#[derive(Debug, Clone)]
pub(crate) struct Handshakes {
    results: IntCounterVec,
    told: Arc<Mutex<Option<Instant>>>,
}

impl Handshakes {
    /// None so far.
    pub(crate) fn new(make: &Registrar, name: &str) -> Self {
        let help = "TLS handshakes by what came of them";
        let results = make.counters(name, help, &["result"]);
        // From 0, so that the first ones are seen as an increase.
        let known = [OK, GIVEN_UP, LOST].into_iter().chain(Cause::ALL.map(Cause::label));
        known.for_each(|label| drop(results.with_label_values(&[label])));
        Self { results, told: Arc::default() }
    }

    /// One went well.
    pub(crate) fn succeeded(&self) {
        self.results.with_label_values(&[OK]).inc();
    }

    /// One failed.
    pub(crate) fn failed(&self, peer: SocketAddr, error: &io::Error) {
        let cause = Cause::of_io(error);
        let label = match (cause, error.kind()) {
            (Some(cause), _) => cause.label(),
            (None, io::ErrorKind::TimedOut) => GIVEN_UP,
            (None, _) => LOST,
        };
        self.results.with_label_values(&[label]).inc();
        let reason = explain_io(error).unwrap_or_else(|| error.to_string());
        match cause {
            Some(cause) if is_of_its_certificate(cause) && self.is_to_be_told() => {
                warn!(%peer, reason, "a client's certificate is not taken");
            }
            _ => debug!(%peer, reason, "TLS handshake failed"),
        }
    }

    fn is_to_be_told(&self) -> bool {
        let mut told = self.told.lock();
        let is_due = told.is_none_or(|told| told.elapsed() >= TELL_EVERY);
        if is_due {
            *told = Some(Instant::now());
        }
        is_due
    }
}

/// Whether somebody has to do something about the client's certificate.
fn is_of_its_certificate(cause: Cause) -> bool {
    use Cause::{BadCertificate, Expired, NoCertificate, NotYetValid, UnknownIssuer};
    matches!(cause, UnknownIssuer | Expired | NotYetValid | BadCertificate | NoCertificate)
}
