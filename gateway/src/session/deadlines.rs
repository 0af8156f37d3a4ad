//! What a session does when time has passed: pings, the end of its token, a socket that stalls.

use std::time::Duration;

use protocol::CloseReason;

use super::{
    context::SessionContext,
    state::{Rare, Session, Sign, Stage},
};
use crate::runtime::{
    clock::ticks,
    wheel::{NEVER, TICK, Wheel},
};

impl Session {
    /// Takes a new end of the token, in seconds since the Unix epoch; none is never.
    pub(super) fn set_expiry(&mut self, expires: Option<u64>) {
        self.expires = expires.map_or(NEVER, |exp| u32::try_from(exp).unwrap_or(NEVER));
        self.schedule();
    }

    /// Asks to be woken at the nearest deadline, which is another one when the wall clock was set.
    pub(crate) fn schedule(&mut self) {
        let write_deadline = match &self.rare {
            Some(rare) if !rare.outbound.is_empty() => rare.write_deadline,
            _ => NEVER,
        };
        let ends = match self.stage < Stage::Closing {
            true => {
                let expires = self.local().tick_at(self.expires);
                expires.min(self.whole_by()).min(self.stays_until()).min(self.ages_at())
            }
            false => NEVER,
        };
        let due = self.ping_due.min(ends).min(write_deadline);
        let due = Wheel::reachable(due, self.local().tick());
        // One that is due later is looked at too early once, which costs less than a note each time that
        // somebody asks.
        if due < self.due || !self.is_polled() && due != self.due {
            self.due = due;
            self.local().wheel.borrow_mut().note(self.member.seat, due);
        }
    }

    /// Does what is due, if this is the tick the session asked for; true if there may be more to
    /// read.
    pub(crate) fn on_tick(&mut self, now: u32, ctx: &mut SessionContext) -> bool {
        if self.due != now {
            return false;
        }
        self.due = NEVER;
        self.on_deadline(now, ctx)
    }

    fn on_deadline(&mut self, now: u32, ctx: &mut SessionContext) -> bool {
        let stalled = self.has_stalled(now);
        let mut more = false;
        match self.stage {
            Stage::Gone => return false,
            Stage::Closing if self.ping_due <= now => {
                self.abort();
                return false;
            }
            Stage::Closing => {}
            _ if self.local().tick_at(self.expires) <= now => self.close(CloseReason::TokenExpired),
            _ if stalled => self.close(CloseReason::TooSlow),
            _ if self.stays_until() <= now => self.close(CloseReason::Draining),
            _ if self.ages_at() <= now => self.on_age(),
            _ if self.whole_by() <= now => more = self.expect_whole(now, ctx),
            _ if self.ping_due <= now => more = self.ping(ctx),
            _ => {}
        }
        self.schedule();
        more
    }

    /// Until when one may stay who need not answer pings: it may have been gone for long, behind a proxy
    /// that has not.
    fn stays_until(&self) -> u32 {
        match self.sign == Sign::NotAsked && self.member.is_client() {
            false => NEVER,
            true => self.since.saturating_add(ticks(self.local().settings.sse_age)),
        }
    }

    /// By when what has begun must have come whole.
    fn whole_by(&self) -> u32 {
        self.rare.as_ref().and_then(|rare| rare.whole_by).unwrap_or(NEVER)
    }

    /// Closes if what has begun has not come whole in time. True if there may be more to read.
    fn expect_whole(&mut self, now: u32, ctx: &mut SessionContext) -> bool {
        // A busy worker may not have come to read the rest.
        let more = self.read(false, ctx);
        if !more && self.whole_by() <= now {
            self.give_up(CloseReason::TooSlow);
        }
        more
    }

    /// Whether the socket has taken nothing of what waits for `--write-timeout`.
    fn has_stalled(&mut self, now: u32) -> bool {
        let late = |rare: &Rare| !rare.outbound.is_empty() && rare.write_deadline <= now;
        if !self.rare.as_deref().is_some_and(late) {
            return false;
        }
        // A busy worker may not have come to write although the socket takes bytes again.
        self.blocked = false;
        self.flush();
        self.rare.as_deref().is_some_and(late)
    }

    /// Pings a client that may be gone, and gives up on one that was silent since the last ping.
    /// True if there may be more to read.
    fn ping(&mut self, ctx: &mut SessionContext) -> bool {
        if self.is_polled() {
            self.on_poll_due();
            return false;
        }
        let local = self.local();
        self.ping_due = local.clock.tick_after(local.settings.ping_interval.max(TICK));
        // Nobody answers for the gateway's own.
        if !self.member.is_client() {
            return false;
        }
        // A client that is being written to shows itself by reading, or meets the write deadline.
        if self.has_outbound() {
            self.hear();
            return false;
        }
        // A busy worker may not have come to read the answer.
        let more = self.sign == Sign::Owed && self.read(false, ctx);
        if self.stage >= Stage::Closing {
            return more;
        }
        if self.sign == Sign::Owed {
            self.close(CloseReason::PingTimeout);
            return more;
        }
        self.ask();
        more
    }

    /// Sends a ping, which has to be answered by the time the next one is due.
    fn ask(&mut self) {
        if self.sign == Sign::Given {
            self.sign = Sign::Owed;
        }
        let mut ping = Vec::new();
        self.wire().ping(&mut ping);
        self.send_bytes(ping);
    }

    /// Has the client show soon that it is there, however long it could be silent otherwise.
    pub(super) fn look(&mut self) {
        if self.stage != Stage::Live || !self.member.is_client() {
            return;
        }
        let soon = self.local().clock.tick_after(LOOK);
        if self.is_polled() {
            return self.look_at_poller(soon);
        }
        match &mut self.rare {
            // It shows by taking something of what waits.
            Some(rare) if !rare.outbound.is_empty() => {
                rare.write_deadline = rare.write_deadline.min(soon);
            }
            _ => {
                // Whoever is asked now has all of that time, also where a ping was due earlier.
                self.ping_due = match self.sign {
                    Sign::Owed => self.ping_due.min(soon),
                    Sign::NotAsked | Sign::Given => {
                        self.ask();
                        soon
                    }
                };
            }
        }
        self.schedule();
    }
}

/// How long a client has to show that it is there when somebody else wants its place.
const LOOK: Duration = Duration::from_secs(3);

/// Neighbours are pinged behind each other: what the kernel keeps of their sockets is likely to lie
/// side by side, too, and their memory is far from every cache when 25 s have passed.
const NEIGHBOURS: u32 = 64;

/// The first ping comes within one interval. Blocks of neighbours are spread over it, because pings
/// all at once would hold up pushes.
pub(super) fn first_ping(now: u32, interval: Duration, seat: u32) -> u32 {
    let interval = ticks(interval).max(1);
    // A multiplier without a factor in common with the usual intervals takes every phase in turn.
    let phase = (u64::from(seat / NEIGHBOURS) * 7919 % u64::from(interval)) as u32;
    let since = (now + interval - phase) % interval;
    now + interval - since
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_pings_come_within_an_interval_and_are_spread_over_it() {
        let interval = Duration::from_secs(25);
        let mut per_tick = std::collections::HashMap::new();
        for seat in 0..64_000 {
            let due = first_ping(12_345, interval, seat);
            assert!((12_346..=12_845).contains(&due), "{due}");
            *per_tick.entry(due).or_insert(0) += 1;
        }
        assert_eq!(per_tick.len(), 500);
        assert!(per_tick.values().all(|count| *count == 2 * NEIGHBOURS));
        assert_eq!(first_ping(7, Duration::ZERO, 3), 8);
    }
}
