//! A timer that wakes its thread once in each period, and not in between.
//!
//! tokio's own timers sleep in up to three steps, a level of its wheel each: a period of 100 ms woke
//! an idle worker twenty times a second instead of ten. A timerfd has one step.

use std::{io, os::fd::OwnedFd, time::Duration};

use rustix::{
    io::{Errno, read},
    time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    },
};
use tokio::io::unix::AsyncFd;

use super::reactor::readable;

/// A periodic timer (timerfd_create(2)). Periods that passed unseen count once.
pub(crate) struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// A timer of this thread's runtime; the first period begins now.
    ///
    /// # Errors
    /// The process is out of descriptors.
    pub(crate) fn every(period: Duration) -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
        )?;
        let period = Timespec::try_from(period).map_err(io::Error::other)?;
        let spec = Itimerspec { it_interval: period, it_value: period };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
        Ok(Self(readable(timer)?))
    }

    /// Waits for the end of the period, or of the last one that has passed.
    ///
    /// # Errors
    /// The runtime is ending.
    pub(crate) async fn next(&mut self) -> io::Result<()> {
        loop {
            // Cleared before it is read, so that no period goes unnoticed between.
            self.0.readable().await?.clear_ready();
            match read(self.0.get_ref(), &mut [0; 8]) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                passed => return Ok(passed.map(drop)?),
            }
        }
    }
}
