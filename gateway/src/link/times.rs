//! Asks a pusher-api what time it is, so that it can be told how long its pushes take: they say when
//! they were accepted by its clock, and nobody knows how that goes.

use std::{
    cell::{Cell, RefCell},
    convert::Infallible,
    sync::Arc,
};

use protocol::{
    clock::micros_since_epoch,
    link::{ClockReading, HEARTBEAT, SILENCE, Terms, Up},
};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    metrics::clocks::LinkClock,
    runtime::{
        acceptance::{Arrival, Offset},
        steady::steady_micros,
    },
    uplink::{
        peer_clock::{PeerClock, Sample},
        queue::LinkQueue,
    },
};

/// The exchanges of one link.
pub(super) struct Times<'a> {
    link: Arc<LinkQueue>,
    terms: Terms,
    /// What is shown of it.
    shown: &'a LinkClock,
    clock: RefCell<PeerClock>,
    /// The question that has no answer so far.
    asked: Cell<Option<u64>>,
}

impl<'a> Times<'a> {
    pub(super) fn new(link: &Arc<LinkQueue>, terms: Terms, shown: &'a LinkClock) -> Self {
        let link = Arc::clone(link);
        Self { link, terms, shown, clock: RefCell::default(), asked: Cell::new(None) }
    }

    /// What the clocks say of pushes that come now.
    pub(super) fn arrival(&self) -> Arrival {
        let now = steady_micros();
        let best = self.clock.borrow().best(now);
        Arrival::now(
            best.map(|best| Offset { micros: best.offset, uncertain: best.uncertain_at(now) }),
        )
    }

    /// Asks now and then, beginning at once, for as long as it is polled.
    pub(super) async fn keep_asking(&self) -> Infallible {
        if !self.terms.exchanges_times() {
            std::future::pending::<()>().await;
        }
        // What else is written does not matter: a link that is busy has pushes to measure.
        let mut questions = interval(HEARTBEAT);
        questions.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            questions.tick().await;
            self.show();
            if self.is_due() {
                let asked_micros = steady_micros();
                self.asked.set(Some(asked_micros));
                self.link.send(&Up::AskTime { asked_micros });
            }
        }
    }

    /// One at a time: a pusher-api that answers slowly has no more to do for it.
    fn is_due(&self) -> bool {
        let waited = |since| steady_micros().saturating_sub(since);
        self.asked.get().is_none_or(|since| waited(since) > SILENCE.as_micros() as u64)
    }

    /// Takes an answer; one to a question that was not asked says nothing.
    pub(super) fn on_answer(&self, reading: ClockReading) {
        if self.asked.get() != Some(reading.asked_micros) {
            return;
        }
        self.asked.set(None);
        if let Some(sample) = Sample::of(reading, steady_micros()) {
            self.clock.borrow_mut().add(sample);
            self.show();
        }
    }

    fn show(&self) {
        let now = steady_micros();
        let best = self.clock.borrow().best(now);
        // Operators see wall clocks.
        let set_by = i128::from(micros_since_epoch()) - i128::from(now);
        self.shown.show(best.map(|best| {
            let offset = i128::from(best.offset) - set_by;
            (i64::try_from(offset).unwrap_or(i64::MAX), best.round_trip)
        }));
    }
}
