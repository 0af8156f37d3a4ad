//! Time as a gateway counts it: ticks since it started.

use std::time::{Duration, Instant};

use protocol::clock::since_epoch;
use rustix::time::{ClockId, clock_gettime};

use super::wheel::{NEVER, TICK};

/// Time since the gateway started, in ticks of the timer wheel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    start_since_epoch: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now(), start_since_epoch: since_epoch() }
    }
}

impl Clock {
    /// The clock of another process of this machine, as that has told by [`Self::beginning`]: ticks are the same.
    pub(crate) fn continuing((began, start_since_epoch): (Duration, Duration)) -> Self {
        let now = Instant::now();
        let start = now.checked_sub(since_boot().saturating_sub(began)).unwrap_or(now);
        Self { start, start_since_epoch }
    }

    /// When it began: by the machine's own clock, which nobody sets (clock_gettime(2), `CLOCK_MONOTONIC`), and what
    /// the wall clock said then.
    pub(crate) fn beginning(&self) -> (Duration, Duration) {
        (since_boot().saturating_sub(self.start.elapsed()), self.start_since_epoch)
    }

    /// How many milliseconds it is until a tick; fewer than none if it has passed.
    pub(crate) fn millis_until(&self, tick: u32) -> i64 {
        (i64::from(tick) - i64::from(self.tick_now())) * TICK.as_millis() as i64
    }

    /// The tick so many milliseconds from now, or the first.
    pub(crate) fn tick_in(&self, millis: i64) -> u32 {
        let tick = i64::from(self.tick_now()) + millis / TICK.as_millis() as i64;
        u32::try_from(tick.max(0)).unwrap_or(NEVER).min(NEVER - 1)
    }

    /// The present tick; 0 is the start. Enough for six years.
    pub(crate) fn tick_now(&self) -> u32 {
        #[cfg(test)]
        if let Some(tick) = stopped::tick() {
            return tick;
        }
        ticks(self.start.elapsed())
    }

    /// The tick in which a client's time is over that begins now. By the clock, because a worker
    /// that was held up catches up on ticks, and the client has its time all the same.
    pub(crate) fn tick_after(&self, duration: Duration) -> u32 {
        self.tick_now() + ticks(duration)
    }

    /// What the wall clock would have said at tick 0, had it gone as it goes now.
    pub(crate) fn wall_at_start(&self) -> Duration {
        #[cfg(test)]
        if stopped::tick().is_some() {
            return stopped::wall(self.start_since_epoch);
        }
        since_epoch().saturating_sub(self.start.elapsed())
    }

    /// Seconds since the Unix epoch at a tick.
    pub(crate) fn epoch_seconds(&self, tick: u32) -> u64 {
        (self.start_since_epoch + TICK * tick).as_secs()
    }
}

fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// A duration in ticks, rounded down, at most the one before [`NEVER`].
pub(crate) fn ticks(duration: Duration) -> u32 {
    let ticks = duration.as_millis() / TICK.as_millis();
    u32::try_from(ticks).unwrap_or(NEVER).min(NEVER - 1)
}

/// Time that only passes when a test says so.
#[cfg(test)]
pub(crate) mod stopped {
    use std::{cell::Cell, time::Duration};

    thread_local!(static TICK: Cell<Option<u32>> = const { Cell::new(None) });
    thread_local!(static SET: Cell<i64> = const { Cell::new(0) });

    /// The tick at which this thread's clocks stand, if they do.
    pub(crate) fn tick() -> Option<u32> {
        TICK.get()
    }

    /// Stops the clocks of this thread at a tick.
    pub(crate) fn at(tick: u32) {
        TICK.set(Some(tick));
    }

    /// The wall clock's time at tick 0.
    pub(super) fn wall(start: Duration) -> Duration {
        let by = Duration::from_secs(SET.get().unsigned_abs());
        if SET.get() < 0 { start.saturating_sub(by) } else { start + by }
    }

    /// Sets this thread's wall clock by so many seconds from what it was at the start.
    pub(crate) fn set_wall(seconds: i64) {
        SET.set(seconds);
    }
}
