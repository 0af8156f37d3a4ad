//! Whether there is room for another session.

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use protocol::{CloseReason, problem::Problem};
use tracing::warn;

use crate::settings::Settings;

/// Descriptors kept for listeners, links and operators.
const RESERVED_DESCRIPTORS: usize = 256;

/// Why a client is not let in now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The credentials are missing or wrong.
    #[error("{0}")]
    Unauthorized(String),
    /// The user has as many sessions as it may.
    #[error("this user has as many sessions as it may")]
    TooManySessions,
    /// `--max-sessions` is reached.
    #[error("the gateway holds as many sessions as it may")]
    Full,
    /// `--handshake-rate` is reached.
    #[error("too many new sessions at once")]
    HandshakeRate,
    /// The gateway is stopping.
    #[error("the gateway is draining")]
    Draining,
}

impl Refusal {
    /// The label of the handshake metric.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::TooManySessions => "too_many_sessions",
            Self::Full => "full",
            Self::HandshakeRate => "handshake_rate",
            Self::Draining => "draining",
        }
    }

    /// The reason on transports without status codes.
    pub fn close_reason(&self) -> CloseReason {
        match self {
            Self::Unauthorized(_) => CloseReason::Unauthorized,
            Self::TooManySessions => CloseReason::TooManySessions,
            Self::Full | Self::HandshakeRate => CloseReason::Overloaded,
            Self::Draining => CloseReason::Draining,
        }
    }

    /// The refusal over HTTP.
    pub fn problem(&self) -> Problem {
        let (status, title) = match self {
            Self::Unauthorized(_) => return Problem::new(401, "Unauthorized", self.to_string()),
            Self::TooManySessions => (429, "Too Many Sessions"),
            Self::Full | Self::HandshakeRate => (503, "Overloaded"),
            Self::Draining => (503, "Draining"),
        };
        let pause = Duration::from_millis(retry_ms().into());
        Problem::new(status, title, self.to_string()).retry_after(pause)
    }
}

/// How long a client should wait before it comes back: spread, so that not all come at once.
pub fn retry_ms() -> u32 {
    fastrand::u32(500..5_000)
}

/// Counts sessions against their limits.
pub struct Admission {
    sessions: Arc<AtomicUsize>,
    max_sessions: usize,
    rate: Option<DefaultDirectRateLimiter>,
    draining: AtomicBool,
}

/// Room for one session; dropping it gives the room back.
#[derive(Debug)]
pub struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// The limits of the settings.
    pub fn new(settings: &Settings) -> Self {
        let descriptors = rlimit::Resource::NOFILE.get_hard().unwrap_or(u64::MAX);
        let fit = usize::try_from(descriptors).unwrap_or(usize::MAX);
        let fit = fit.saturating_sub(RESERVED_DESCRIPTORS).max(1);
        let max_sessions = match settings.max_sessions {
            0 => fit,
            wanted => wanted,
        };
        if max_sessions > fit {
            warn!(max_sessions, descriptors, "--max-sessions needs more than RLIMIT_NOFILE");
        }
        let rate = NonZero::new(settings.handshake_rate)
            .map(|rate| RateLimiter::direct(Quota::per_second(rate)));
        let draining = AtomicBool::new(false);
        Self { sessions: Arc::default(), max_sessions, rate, draining }
    }

    /// Asks for room for one session.
    ///
    /// # Errors
    /// Why there is none.
    pub fn admit(&self) -> Result<Permit, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        if self.rate.as_ref().is_some_and(|rate| rate.check().is_err()) {
            return Err(Refusal::HandshakeRate);
        }
        let before = self.sessions.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(&self.sessions));
        match before < self.max_sessions {
            true => Ok(permit),
            false => Err(Refusal::Full),
        }
    }

    /// Whether `--max-sessions` is reached.
    pub fn is_full(&self) -> bool {
        self.sessions.load(Ordering::Relaxed) >= self.max_sessions
    }

    /// Lets nobody in any more.
    pub fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the gateway is stopping.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn room_is_given_and_given_back() {
        let admission = Admission::new(&settings(&["--max-sessions=2"]));
        let (one, two) = (admission.admit().unwrap(), admission.admit().unwrap());
        assert!(admission.is_full());
        for _ in 0..3 {
            // A refusal takes no room.
            assert_eq!(admission.admit().err(), Some(Refusal::Full));
        }
        drop(one);
        assert!(!admission.is_full());
        let _again = admission.admit().unwrap();
        assert_eq!(admission.admit().err(), Some(Refusal::Full));
        drop(two);
    }

    #[test]
    fn many_threads_do_not_get_more_than_there_is() {
        let admission = Admission::new(&settings(&["--max-sessions=5"]));
        let permits: usize = std::thread::scope(|scope| {
            let ask = || (0..100).filter_map(|_| admission.admit().ok()).collect::<Vec<_>>();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
            let taken: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
            taken.iter().map(Vec::len).sum()
        });
        assert!(permits <= 5, "{permits}");
        assert!(!admission.is_full());
    }

    #[test]
    fn the_rate_and_a_drain_refuse() {
        let admission = Admission::new(&settings(&["--handshake-rate=3"]));
        let refused = (0..10).filter(|_| admission.admit().is_err()).count();
        assert!(refused > 0);
        assert!(!admission.is_draining());
        admission.start_draining();
        assert_eq!(admission.admit().err(), Some(Refusal::Draining));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let cases = [
            (Refusal::Unauthorized("why".into()), 401, CloseReason::Unauthorized, false),
            (Refusal::TooManySessions, 429, CloseReason::TooManySessions, true),
            (Refusal::Full, 503, CloseReason::Overloaded, true),
            (Refusal::HandshakeRate, 503, CloseReason::Overloaded, true),
            (Refusal::Draining, 503, CloseReason::Draining, true),
        ];
        for (refusal, status, reason, comes_back) in cases {
            let problem = refusal.problem();
            assert_eq!((problem.status, refusal.close_reason()), (status, reason));
            assert_eq!(problem.retry_after.is_some(), comes_back, "{refusal:?}");
            assert_eq!(reason.reconnect(), comes_back, "{refusal:?}");
        }
    }
}
