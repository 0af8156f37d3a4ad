//! What is kept, as this gateway has to do with it.

use prometheus::{IntCounter, IntGauge};
use serving::metrics::Registrar;

/// Counts and shows it.
pub(crate) struct KeptMetrics {
    /// Questions that wait for the store.
    pub questions_waiting: IntGauge,
    /// Devices of whose acknowledgements the store does not know.
    pub acknowledgements_waiting: IntGauge,
    /// Acknowledgements that were passed over because too many wait.
    pub acknowledgements_dropped: IntCounter,
    /// Kept pushes that a client was sent from the store.
    pub replayed: IntCounter,
}

impl KeptMetrics {
    pub(super) fn new(make: &Registrar) -> Self {
        Self {
            questions_waiting: make.gauge(
                "holdfast_store_questions_waiting",
                "Questions of sessions that wait for the store",
            ),
            acknowledgements_waiting: make.gauge(
                "holdfast_acknowledgements_waiting",
                "Devices whose acknowledgements are on their way to the store",
            ),
            acknowledgements_dropped: make.counter(
                "holdfast_acknowledgements_dropped_total",
                "Acknowledgements passed over because too many wait for the store",
            ),
            replayed: make.counter(
                "holdfast_pushes_replayed_total",
                "Kept pushes that clients were sent from the store",
            ),
        }
    }
}
