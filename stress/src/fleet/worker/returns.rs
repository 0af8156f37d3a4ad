//! Has sessions come back that their server has asked to: when it says so, and to another one if there is one.

use std::time::Duration;

use protocol::clock;

use super::{roll_call::RollCall, state::Worker};

/// What a server has said to a session that is to come back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parting {
    /// How long it is to stay away.
    pub(super) after: Duration,
    pub(super) reason: String,
}

impl Worker {
    /// Ends a session that comes back. Until then it costs its place among those that wait to be tried again.
    pub(super) fn recall(&mut self, place: usize, parting: Parting) {
        let Some(returns) = self.assignment.returns else { return };
        let Parting { after, reason } = parting;
        let entry = self.sessions.remove(place);
        self.secured.forget(place);
        if entry.session.is_asked() {
            self.roll_call.iter_mut().for_each(RollCall::on_answered);
        }
        let now = clock::micros_since_epoch();
        let at = now.saturating_add(micros(after));
        self.tally.recalls.on_asked(&reason, after, now);
        if returns.misses {
            self.book.on_away(entry.number);
        }
        self.places.move_on(&self.assignment, entry.number);
        let until = at.saturating_add(micros(returns.within));
        self.opening.recall(entry.number, at, until);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
