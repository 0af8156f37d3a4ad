//! Whether connections can be accepted: one state for all listeners of the process, because what
//! they run out of is the process's or the machine's.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tracing::{info, warn};

use crate::metrics::Metrics;

/// Impossible for so long, it counts.
const LONG: Duration = Duration::from_secs(1);
/// After so long without a failure, a run of them is over. A success between two failures is none:
/// out of descriptors, each connection that ends lets one more in.
const QUIET: Duration = Duration::from_secs(5);

/// A run of failures.
#[derive(Debug, Clone, Copy)]
struct Run {
    failures: u64,
    last: Instant,
    /// The first failure since a success.
    blocked_since: Option<Instant>,
}

/// Whether connections can be accepted.
pub(crate) struct Accepting {
    /// Whether there is a run, so that nobody has to lock while all is well.
    failing: AtomicBool,
    run: Mutex<Option<Run>>,
    metrics: Arc<Metrics>,
}

impl Accepting {
    /// All is well.
    pub(crate) fn new(metrics: &Arc<Metrics>) -> Arc<Self> {
        let (failing, run) = (AtomicBool::new(false), Mutex::new(None));
        Arc::new(Self { failing, run, metrics: Arc::clone(metrics) })
    }

    /// A connection could not be taken. True if that will be so again at once, because something
    /// has run out, and not only because this connection is broken (accept(2), "Error handling").
    pub(crate) fn on_failure(&self, error: &io::Error) -> bool {
        self.metrics.accept_error(error);
        let broken = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::Interrupted
        );
        if !broken && self.fail(Instant::now()) {
            warn!(%error, "cannot accept connections; they wait in the accept queue");
        }
        !broken
    }

    /// Adds a failure; true if it begins a run.
    fn fail(&self, now: Instant) -> bool {
        let mut run = self.run.lock();
        let begins = run.is_none();
        let before = run.unwrap_or(Run { failures: 0, last: now, blocked_since: None });
        let blocked_since = before.blocked_since.or(Some(now));
        *run = Some(Run { failures: before.failures + 1, last: now, blocked_since });
        self.failing.store(true, Ordering::Relaxed);
        begins
    }

    /// A connection was taken, or there was none to take.
    pub(crate) fn on_success(&self) {
        // A stale look is put right by the next success.
        if self.failing.load(Ordering::Relaxed)
            && let Some(run) = &mut *self.run.lock()
        {
            run.blocked_since = None;
        }
    }

    /// Looks again, now and then: shows whether connections have been kept out for long, and says so
    /// when that is over.
    pub(crate) fn look(&self) {
        if let Some(failures) = self.settle(Instant::now()) {
            info!(failures, "accepting connections again");
        }
    }

    /// Ends a run that is over, and returns of how many failures it was.
    fn settle(&self, now: Instant) -> Option<u64> {
        let mut run = self.run.lock();
        let blocked = run.and_then(|run| run.blocked_since);
        let blocked = blocked.is_some_and(|since| now.duration_since(since) > LONG);
        self.metrics.accept_blocked.set(blocked.into());
        let is_over =
            |run: &mut Run| run.blocked_since.is_none() && now.duration_since(run.last) > QUIET;
        let ended = run.take_if(is_over)?;
        self.failing.store(false, Ordering::Relaxed);
        Some(ended.failures)
    }

    /// Whether connections have been kept out for more than a second.
    pub(crate) fn is_blocked(&self) -> bool {
        self.metrics.accept_blocked.get() > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_told_once_and_ends_when_it_is_quiet() {
        let accepting = Accepting::new(&Arc::default());
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        assert!(accepting.fail(at(0)));
        assert!(!accepting.fail(at(100)));
        assert_eq!((accepting.settle(at(900)), accepting.is_blocked()), (None, false));
        assert_eq!((accepting.settle(at(1_100)), accepting.is_blocked()), (None, true));
        // One gets in, the next does not: neither blocked nor over.
        accepting.on_success();
        assert!(!accepting.fail(at(2_000)));
        assert_eq!((accepting.settle(at(2_900)), accepting.is_blocked()), (None, false));
        accepting.on_success();
        assert_eq!(accepting.settle(at(6_900)), None);
        assert_eq!(accepting.settle(at(7_100)), Some(3));
        assert!(accepting.fail(at(8_000)), "another run");
    }

    #[test]
    fn nothing_is_over_while_nobody_gets_in() {
        let accepting = Accepting::new(&Arc::default());
        let start = Instant::now();
        accepting.fail(start);
        let later = start + Duration::from_secs(60);
        assert_eq!((accepting.settle(later), accepting.is_blocked()), (None, true));
    }

    #[test]
    fn a_broken_connection_is_no_shortage() {
        let accepting = Accepting::new(&Arc::default());
        assert!(!accepting.on_failure(&io::ErrorKind::ConnectionAborted.into()));
        assert!(!accepting.failing.load(Ordering::Relaxed));
        // EMFILE
        assert!(accepting.on_failure(&io::Error::from_raw_os_error(24)));
        assert!(accepting.failing.load(Ordering::Relaxed));
    }
}
