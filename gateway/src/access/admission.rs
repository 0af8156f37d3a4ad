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
use limits::{descriptors, headroom::Left, places::Places};
use protocol::{CloseReason, foreign::Foreign, problem::Problem};
use tracing::{info, warn};

use crate::settings::Settings;

/// Why a client is not let in now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The credentials are missing or wrong.
    #[error("{0}")]
    Unauthorized(String),
    /// In development, a page of another site or a proxy has sent the request.
    #[error("{0}")]
    Foreign(#[from] Foreign),
    /// The user has as many sessions as it may.
    #[error("this user has as many sessions as it may")]
    TooManySessions,
    /// `--max-sessions` is reached.
    #[error("the gateway holds as many sessions as it may")]
    Full,
    /// `--memory-reserve` is touched.
    #[error("the gateway is short of memory")]
    Memory,
    /// `--handshake-rate` is reached.
    #[error("too many new sessions at once")]
    HandshakeRate,
    /// The gateway is stopping.
    #[error("the gateway is draining")]
    Draining,
}

impl Refusal {
    /// The label of the handshake metric.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Unauthorized(_) => "unauthorized",
            Self::Foreign(_) => "foreign",
            Self::TooManySessions => "too_many_sessions",
            Self::Full => "full",
            Self::Memory => "memory",
            Self::HandshakeRate => "handshake_rate",
            Self::Draining => "draining",
        }
    }

    /// The reason on transports without status codes.
    pub(crate) fn close_reason(&self) -> CloseReason {
        match self {
            Self::Unauthorized(_) | Self::Foreign(_) => CloseReason::Unauthorized,
            Self::TooManySessions => CloseReason::TooManySessions,
            Self::Full | Self::Memory | Self::HandshakeRate => CloseReason::Overloaded,
            Self::Draining => CloseReason::Draining,
        }
    }

    /// Whether the client is worth more than the plain answer: not while there is no room for anybody.
    pub(crate) fn leaves_room(&self) -> bool {
        !matches!(self, Self::Full | Self::Memory | Self::HandshakeRate)
    }

    /// The refusal over HTTP.
    pub(crate) fn problem(&self) -> Problem {
        let (status, title) = match self {
            Self::Unauthorized(_) => return Problem::new(401, "Unauthorized", self.to_string()),
            Self::Foreign(_) => return Problem::new(403, "Forbidden", self.to_string()),
            Self::TooManySessions => (429, "Too Many Sessions"),
            Self::Full | Self::Memory | Self::HandshakeRate => (503, "Overloaded"),
            Self::Draining => (503, "Draining"),
        };
        let pause = Duration::from_millis(retry_ms().into());
        Problem::new(status, title, self.to_string()).retry_ms(pause)
    }
}

/// How long a client should wait before it comes back: spread, so that not all come at once.
pub(crate) fn retry_ms() -> u32 {
    fastrand::u32(500..5_000)
}

/// Sessions that may be there beyond `--max-sessions` because older ones are about to go for them: half
/// of what descriptors are kept back.
const REPLACEMENTS: usize = 128;
/// How many a second are asked who they are although there is no room: some 20 ms of a processor.
const LOOKS: NonZero<u32> = NonZero::new(50).expect("not zero");

/// Counts sessions against their limits.
pub(crate) struct Admission {
    sessions: Arc<AtomicUsize>,
    max_sessions: usize,
    /// Descriptors for sessions and for connections that are to be some.
    descriptors: usize,
    /// Those for operators' connections that are no links.
    operators: usize,
    rate: Option<DefaultDirectRateLimiter>,
    memory_reserve: u64,
    short_of_memory: AtomicBool,
    leaving: AtomicBool,
    draining: AtomicBool,
    looks: DefaultDirectRateLimiter,
}

/// Room for one session; dropping it gives the room back.
#[derive(Debug)]
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// The limits of the settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        let limit = descriptors::hard_limit();
        let places = places(settings, limit);
        let max_sessions = most_sessions(settings, places, limit);
        let rate = NonZero::new(settings.handshake_rate)
            .map(|rate| RateLimiter::direct(Quota::per_second(rate)));
        Self {
            sessions: Arc::default(),
            max_sessions,
            descriptors: usize::try_from(places.sessions + places.pending).unwrap_or(usize::MAX),
            operators: usize::try_from(places.operators).unwrap_or(usize::MAX),
            rate,
            memory_reserve: settings.memory_reserve as u64,
            short_of_memory: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            looks: RateLimiter::direct(Quota::per_second(LOOKS)),
        }
    }

    /// Asks for room for one session.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn admit(&self) -> Result<Permit, Refusal> {
        self.admit_up_to(self.max_sessions)
    }

    fn admit_up_to(&self, most: usize) -> Result<Permit, Refusal> {
        if self.is_draining() {
            return Err(Refusal::Draining);
        }
        if self.is_short_of_memory() {
            return Err(Refusal::Memory);
        }
        let before = self.sessions.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(&self.sessions));
        if before >= most {
            return Err(Refusal::Full);
        }
        // Last, so that none of those who find no room uses up the rate.
        match self.rate.as_ref().is_some_and(|rate| rate.check().is_err()) {
            true => Err(Refusal::HandshakeRate),
            false => Ok(permit),
        }
    }

    /// Room for a session that another process has let in: it was looked before whether there is enough.
    pub(crate) fn take_over(&self) -> Permit {
        self.sessions.fetch_add(1, Ordering::Relaxed);
        Permit(Arc::clone(&self.sessions))
    }

    /// Whether to find out who it is that found no room: it may only take the place of its own older
    /// session, which needs none. So many a second, because a signature is dear.
    pub(crate) fn may_look_who_it_is(&self) -> bool {
        self.looks.check().is_ok()
    }

    /// Room for a session whose older one goes for it. Until that one is gone they are one more than
    /// may be; there is only so much room for that.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn admit_in_place_of_another(&self) -> Result<Permit, Refusal> {
        self.admit_up_to(self.max_sessions.saturating_add(REPLACEMENTS))
    }

    /// The most sessions there may be.
    pub(crate) fn max_sessions(&self) -> usize {
        self.max_sessions
    }

    /// Takes in how much memory is left; logs when that begins or ends to refuse sessions.
    pub(crate) fn set_memory_left(&self, left: Left) {
        let Left { bytes, limit, is_cgroup } = left;
        match self.is_short_of_memory() {
            false if left.is_short(self.memory_reserve) => {
                warn!(bytes, limit, is_cgroup, "short of memory; new sessions are refused");
                self.short_of_memory.store(true, Ordering::Relaxed);
            }
            true if left.is_plenty(self.memory_reserve) => {
                info!(bytes, limit, is_cgroup, "enough memory again; sessions are let in");
                self.short_of_memory.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Whether so little memory is left that nobody new is let in.
    pub(crate) fn is_short_of_memory(&self) -> bool {
        self.short_of_memory.load(Ordering::Relaxed)
    }

    /// How many sessions have room.
    pub(crate) fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }

    /// How many descriptors sessions leave to connections that are to be some.
    pub(crate) fn descriptors_left(&self) -> usize {
        self.descriptors.saturating_sub(self.sessions())
    }

    /// The most connections of operators that are no links, as far as descriptors allow.
    pub(crate) fn operators(&self) -> usize {
        self.operators
    }

    /// Whether `--max-sessions` is reached.
    pub(crate) fn is_full(&self) -> bool {
        self.sessions() >= self.max_sessions
    }

    /// Takes clients for a while, but wants no more of them.
    pub(crate) fn start_leaving(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    /// Whether load balancers shall send nobody any more.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) || self.is_draining()
    }

    /// Lets nobody in any more.
    pub(crate) fn start_draining(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the gateway is stopping.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

fn places(settings: &Settings, descriptors: u64) -> Places {
    Places::of(descriptors, u64::try_from(settings.max_pending).unwrap_or(u64::MAX))
}

/// As many as were asked for, but no more than leave descriptors to others.
fn most_sessions(settings: &Settings, places: Places, descriptors: u64) -> usize {
    let fit = places.sessions;
    let fit = usize::try_from(fit).unwrap_or(usize::MAX);
    match settings.max_sessions {
        0 => fit,
        wanted if wanted > fit => {
            warn!(wanted, fit, descriptors, "--max-sessions needs more than RLIMIT_NOFILE");
            fit
        }
        wanted => wanted,
    }
}

#[cfg(test)]
mod tests;
