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
        Problem::new(status, title, self.to_string()).retry_after(pause)
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
mod tests {
    use std::{collections::BTreeSet, time::Instant};

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
    fn load_balancers_are_told_before_clients_are() {
        let leaving = Admission::new(&settings(&[]));
        assert!(!leaving.is_leaving());
        leaving.start_leaving();
        assert!(leaving.is_leaving() && leaving.admit().is_ok(), "whoever comes is let in");
        let draining = Admission::new(&settings(&[]));
        draining.start_draining();
        assert!(draining.is_leaving(), "who lets nobody in wants nobody");
    }

    #[test]
    fn what_sessions_take_is_not_left_to_newcomers() {
        let admission = Admission::new(&settings(&["--max-sessions=3"]));
        assert_eq!(admission.max_sessions(), 3);
        let before = admission.descriptors_left();
        assert!(before > 3, "{before}");
        let permits: Vec<_> = (0..3).map(|_| admission.admit().unwrap()).collect();
        assert_eq!((admission.sessions(), admission.descriptors_left()), (3, before - 3));
        drop(permits);
        assert_eq!((admission.sessions(), admission.descriptors_left()), (0, before));
    }

    #[test]
    fn clients_are_sent_away_for_different_times() {
        let pauses: BTreeSet<_> = (0..100).map(|_| retry_ms()).collect();
        assert!(pauses.len() > 50, "{pauses:?}");
        assert!(pauses.iter().all(|pause| (500..5_000).contains(pause)), "{pauses:?}");
    }

    #[test]
    fn sessions_leave_descriptors_to_others() {
        let most = |flags: &[&str], descriptors| {
            let settings = settings(flags);
            most_sessions(&settings, places(&settings, descriptors), descriptors)
        };
        assert_eq!(most(&[], 20_000), 18_631);
        assert_eq!(most(&["--max-pending=10"], 20_000), 19_222);
        assert_eq!(most(&["--max-sessions=5"], 20_000), 5);
        assert_eq!(most(&["--max-sessions=20000"], 20_000), 18_631);
    }

    #[test]
    fn a_replacement_needs_no_room_of_its_own() {
        let admission = Admission::new(&settings(&["--max-sessions=1"]));
        let older = admission.admit().unwrap();
        assert_eq!(admission.admit().err(), Some(Refusal::Full));
        let newer = admission.admit_in_place_of_another().unwrap();
        drop(older);
        assert_eq!(admission.admit().err(), Some(Refusal::Full));
        let more: Vec<_> =
            std::iter::from_fn(|| admission.admit_in_place_of_another().ok()).take(1000).collect();
        assert_eq!(more.len(), REPLACEMENTS);
        drop((newer, more));
        assert!(admission.admit().is_ok());
        let looks = (0..1000).filter(|_| admission.may_look_who_it_is()).count();
        assert!((50..200).contains(&looks), "{looks}");
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
        assert_eq!(permits, 5, "and no less");
        assert!(!admission.is_full());
    }

    #[test]
    fn the_rate_and_a_drain_refuse() {
        let (admission, begun) =
            (Admission::new(&settings(&["--handshake-rate=3"])), Instant::now());
        let refused: Vec<_> = (0..100).filter_map(|_| admission.admit().err()).collect();
        // Three at once, and three more for each second that the machine took for it.
        let most = 3 + (3.0 * begun.elapsed().as_secs_f64()).ceil() as usize;
        assert!((3..=most).contains(&(100 - refused.len())), "{} refused", refused.len());
        assert!(refused.iter().all(|refusal| *refusal == Refusal::HandshakeRate), "{refused:?}");
        assert!(!admission.is_draining());
        admission.start_draining();
        assert!(admission.is_draining());
        assert_eq!(admission.admit().err(), Some(Refusal::Draining));
    }

    #[test]
    fn who_finds_no_room_uses_up_no_rate() {
        let admission = Admission::new(&settings(&["--max-sessions=1", "--handshake-rate=2"]));
        let one = admission.admit().unwrap();
        for _ in 0..10 {
            assert_eq!(admission.admit().err(), Some(Refusal::Full));
        }
        drop(one);
        assert!(admission.admit().is_ok());
        // And what the rate refuses takes no room.
        (0..10).for_each(|_| drop(admission.admit()));
        assert_eq!(admission.sessions(), 0);
    }

    #[test]
    fn little_memory_refuses_until_there_is_more() {
        const MIB: u64 = 1 << 20;
        let admission = Admission::new(&settings(&["--memory-reserve=16MiB"]));
        let set = |mib: u64| {
            admission.set_memory_left(Left { bytes: mib * MIB, limit: 512 * MIB, is_cgroup: true });
            admission.admit().err()
        };
        // Between the reserve and a quarter more, it stays as it was.
        for (mib, refused) in [(19, false), (16, false), (15, true), (19, true), (20, false)] {
            assert_eq!(set(mib), refused.then_some(Refusal::Memory), "{mib} MiB");
        }
        let never = Admission::new(&settings(&["--memory-reserve=0B"]));
        never.set_memory_left(Left { bytes: 0, limit: MIB, is_cgroup: true });
        assert!(never.admit().is_ok());
    }

    #[test]
    fn refusals_say_what_to_do() {
        let unauthorized = Refusal::Unauthorized("why".into());
        let cases = [
            (unauthorized, "unauthorized", 401, CloseReason::Unauthorized, false),
            (Refusal::Foreign(Foreign::Host), "foreign", 403, CloseReason::Unauthorized, false),
            (
                Refusal::TooManySessions,
                "too_many_sessions",
                429,
                CloseReason::TooManySessions,
                true,
            ),
            (Refusal::Full, "full", 503, CloseReason::Overloaded, true),
            (Refusal::Memory, "memory", 503, CloseReason::Overloaded, true),
            (Refusal::HandshakeRate, "handshake_rate", 503, CloseReason::Overloaded, true),
            (Refusal::Draining, "draining", 503, CloseReason::Draining, true),
        ];
        for (refusal, label, status, reason, comes_back) in cases {
            assert_eq!(refusal.as_str(), label, "in the metric");
            let problem = refusal.problem();
            assert_eq!((problem.status, refusal.close_reason()), (status, reason));
            assert_eq!(problem.retry_after.is_some(), comes_back, "{refusal:?}");
            assert_eq!(reason.reconnect(), comes_back, "{refusal:?}");
        }
    }
}
