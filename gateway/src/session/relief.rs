//! What happens when sessions hold too much memory: those who hold most are given up.

use std::time::Duration;

use protocol::CloseReason;

use super::{
    holding::Holding,
    holdings::Held,
    state::{Local, Session, Stage},
};
use crate::ledger::{Account, excess};

/// Of what waits for slow clients, the part that goes at a time while the process is short of memory.
const PART_WHEN_SHORT: usize = 16;
/// The time for a goodbye of one who holds what others need.
const HURRIED: Duration = Duration::from_millis(50);

/// A session that has to go, by its seat, so that there is memory again.
pub(crate) type GivenUp = (u32, CloseReason);

impl Local {
    /// Those who have to go now because of what each of them holds alone. Asked after every turn, and
    /// answered with a look only where one has come to hold more.
    pub(crate) fn relief_after_turn(&self) -> Vec<GivenUp> {
        let grown = self.holdings.borrow_mut().take_grown();
        match grown {
            true => self.relief_of_own(),
            false => Vec::new(),
        }
    }

    /// Those who have to go now, for that or because pushes that wait fill the memory for them, or
    /// because the process is short of memory, whoever took it.
    pub(crate) fn relief(&self) -> Vec<GivenUp> {
        let mut all = self.relief_of_own();
        let waiting = &self.ledger.waiting;
        let short = match self.ledger.is_short() {
            true => waiting.used().div_ceil(PART_WHEN_SHORT),
            false => 0,
        };
        let most = excess(self.push_memory.used(), self.push_memory.limit() - 1).max(short);
        if most > 0 {
            let holdings = self.holdings.borrow();
            let waits = |held: &Held| held.waiting;
            // Who had to go at the look before this and has not gone: that may be enough.
            let ending = holdings.ending(waits);
            let seats = match ending.is_empty() {
                true => holdings.largest(waits, waiting.average(), most),
                false => ending,
            };
            all.extend(seats.into_iter().map(|seat| (seat, CloseReason::TooSlow)));
        }
        all
    }

    fn relief_of_own(&self) -> Vec<GivenUp> {
        let holdings = self.holdings.borrow();
        let largest = |account: &Account, bytes: fn(&Held) -> usize, reason| {
            let excess = account.excess();
            let seats = match excess {
                0 => Vec::new(),
                _ => holdings.largest(bytes, account.average(), excess),
            };
            seats.into_iter().map(move |seat| (seat, reason))
        };
        let ledger = &self.ledger;
        let of_incomplete =
            largest(&ledger.incomplete, |held| held.incomplete, CloseReason::Overloaded);
        of_incomplete
            .chain(largest(&ledger.queues, |held| held.queue, CloseReason::TooSlow))
            .collect()
    }
}

impl Session {
    /// Closes, because what it holds is needed by others, and waits hardly for a client that has to
    /// take the rest of a frame before its goodbye: that rest is what is needed. Not at all the second
    /// time it is asked.
    pub(crate) fn give_back(&mut self, reason: CloseReason) {
        if self.stage >= Stage::Closing {
            if self.stage == Stage::Closing && self.has_outbound() {
                self.abort();
            }
            return;
        }
        self.local().metrics.given_up(reason);
        self.give_up(reason);
        if self.has_outbound() {
            self.hurry(HURRIED);
        }
    }

    /// Brings the books up to date with what it holds.
    pub(super) fn keep_books(&mut self) {
        let Some(rare) = &mut self.rare else { return };
        let mut held = rare.held();
        if held == Held::NOTHING {
            return rare.holding = None;
        }
        held.closing = self.stage >= Stage::Closing;
        let holding =
            rare.holding.get_or_insert_with(|| Holding::new(&self.member.local, self.member.seat));
        holding.update(held);
    }
}
