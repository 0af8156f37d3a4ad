//! The thread that probes.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::{ledger::Results, order::Order, rounds::Rounds};

/// A handle to it.
pub(crate) struct Prober {
    stop: Arc<AtomicBool>,
    /// The slowest probe since it was asked for last, plus one; 0 is none.
    slowest: Arc<AtomicU64>,
    thread: JoinHandle<io::Result<Results>>,
}

impl Prober {
    /// Begins to probe.
    ///
    /// # Errors
    /// No thread or epoll.
    pub(crate) fn start(order: Order) -> io::Result<Self> {
        let (stop, slowest): (Arc<AtomicBool>, Arc<AtomicU64>) = Default::default();
        let rounds = Rounds::new(order, Arc::clone(&slowest))?;
        let stopped = Arc::clone(&stop);
        let name = "prober".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || rounds.run(&stopped))?;
        Ok(Self { stop, slowest, thread })
    }

    /// The slowest answer since this was asked last, in microseconds; a lost probe counts with its
    /// timeout.
    pub(crate) fn take_slowest(&self) -> Option<u64> {
        self.slowest.swap(0, Ordering::Relaxed).checked_sub(1)
    }

    /// Waits for what is under way and ends.
    ///
    /// # Errors
    /// epoll failed.
    pub(crate) fn finish(self) -> io::Result<Results> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the prober does not panic")
    }
}
