//! Sessions that come back when their server asks them to, as a run sees them.

use std::{sync::atomic::Ordering, time::Instant};

use super::run::Run;
use crate::{
    fleet::assignment::Returns,
    measurements::recalls::Recalls,
    settings::{phase::Phase, returning::Returning},
    traffic::pusher::order::Order,
};

/// How sessions come back, if they do, and whether messages are sent to them meanwhile.
pub(super) fn returns(given: &Returning, misses: bool) -> Option<Returns> {
    given.returns.then_some(Returns { within: given.return_within, misses })
}

impl Run {
    /// Whether sessions come back.
    pub(super) fn returns(&self) -> bool {
        self.return_within.is_some()
    }

    /// Has messages say from now on whether some sessions are away.
    pub(super) fn tell_who_pushes(&self) {
        let away = self.progress().away > 0;
        let phase = if away { Phase::Return } else { Phase::Steady };
        self.phase.iter().for_each(|told| told.store(phase as u8, Ordering::Relaxed));
    }

    /// Waits for those who have been asked so far; others may have been asked by then, as where sessions have an age.
    pub(super) fn await_returns(&mut self) {
        let Some(within) = self.return_within else { return };
        let (asked, deadline) = (self.progress().recalled, Instant::now() + within);
        self.wait("waiting for those who come back", |run| {
            let now = run.progress();
            now.recalled - now.away >= asked || Instant::now() > deadline
        });
    }
}

/// Messages that were for sessions that were away. What was sent to those to which nothing has come since is known to
/// who has sent it.
pub(super) fn missed(recalls: &mut Recalls, order: &Order) -> u64 {
    let sequences = order.sequences.lock();
    let tails = std::mem::take(&mut recalls.unheard).into_iter().map(|(number, last)| {
        let place = order.online.binary_search(&number).ok();
        let sent = place.map_or(last, |place| sequences.last_of(place));
        u64::from(sent.saturating_sub(last))
    });
    recalls.missed = recalls.missed.saturating_add(tails.sum());
    recalls.missed
}
