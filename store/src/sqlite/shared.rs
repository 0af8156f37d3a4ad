//! What those who ask and the threads that answer have in common.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;

use super::{
    clock::{self, Clock, Wrong},
    counters::Counters,
    settings::Settings,
};

/// What all threads of a store see.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) counters: Arc<Counters>,
    /// Why nothing can be kept now.
    trouble: Mutex<Option<String>>,
    clock: Mutex<Clock>,
    /// In milliseconds.
    clock_ahead: AtomicU64,
}

/// What time it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    /// The last time that was believed: milliseconds since the Unix epoch.
    pub(super) millis: u64,
    /// Why that is not the present.
    pub(super) wrong: Option<Wrong>,
}

impl Shared {
    /// Of a file that has seen this time.
    pub(super) fn new(settings: Settings, seen: u64) -> Self {
        let clock = Mutex::new(Clock::Seen(seen));
        let clock_ahead = AtomicU64::new(settings.clock_ahead.as_millis() as u64);
        let trouble = Mutex::default();
        Self { settings, counters: Arc::default(), trouble, clock, clock_ahead }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().clone()
    }

    /// Takes note of what is wrong, or that nothing is; says so once in the log.
    pub(super) fn set_trouble(&self, now: Option<String>) {
        let mut trouble = self.trouble.lock();
        if *trouble != now {
            match &now {
                Some(reason) => tracing::error!(%reason, "nothing can be kept"),
                None => tracing::info!("what comes is kept again"),
            }
            *trouble = now;
        }
    }

    pub(super) fn now(&self) -> Now {
        let mut clock = self.clock.lock();
        let reading = clock::read(self.clock_ahead.load(Ordering::Relaxed));
        let wrong = clock.judge(reading).err();
        Now { millis: clock.believed(), wrong }
    }

    pub(super) fn advance(&self, by: Duration) {
        self.clock_ahead.fetch_add(by.as_millis() as u64, Ordering::Relaxed);
    }
}
