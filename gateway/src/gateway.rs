//! What all workers and links share.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use protocol::SessionId;
use settings::{ConfigError, Secret};
use uuid::Uuid;

use crate::{
    admission::Admission,
    auth::Authenticator,
    broadcast::Broadcasts,
    frame::FrameMemory,
    link::{batches::BatchLog, feed::PresenceFeed},
    metrics::Metrics,
    registry::Registry,
    settings::Settings,
    topics::Topics,
    wheel::{NEVER, TICK},
};

/// The state of a gateway process.
pub struct Gateway {
    /// What was set.
    pub settings: Settings,
    /// The name in receipts and presence.
    pub name: String,
    /// New at each start.
    pub instance: Uuid,
    /// What a pusher-api must show.
    pub link_secret: Option<Secret>,
    /// Checks clients' tokens.
    pub authenticator: Authenticator,
    /// How many sessions there may be.
    pub admission: Admission,
    /// Users and their sessions.
    pub registry: Registry,
    /// Topics and their subscribers.
    pub topics: Topics,
    /// Tells pusher-apis who is here.
    pub presence: PresenceFeed,
    /// Batches that were delivered.
    pub batches: BatchLog,
    /// Pushes to everybody.
    pub broadcasts: Broadcasts,
    /// Bytes of pushes that wait.
    pub push_memory: Arc<FrameMemory>,
    /// Ticks.
    pub clock: Clock,
    /// What operators see.
    pub metrics: Metrics,
    next_session: AtomicU64,
}

/// What clients and pusher-apis are recognised by.
pub struct Keys {
    authenticator: Authenticator,
    link_secret: Option<Secret>,
}

impl Keys {
    /// Reads them; to be done before anything listens.
    ///
    /// # Errors
    /// A setting is wrong.
    pub fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let authenticator = Authenticator::new(settings)?;
        Ok(Self { authenticator, link_secret: settings.load_link_secret()? })
    }
}

impl Gateway {
    /// The state at the start, with nobody here.
    pub fn new(settings: Settings, name: String, keys: Keys) -> Arc<Self> {
        let Keys { authenticator, link_secret } = keys;
        Arc::new(Self {
            name,
            instance: Uuid::new_v4(),
            link_secret,
            authenticator,
            admission: Admission::new(&settings),
            registry: Registry::default(),
            topics: Topics::default(),
            presence: PresenceFeed::default(),
            batches: BatchLog::default(),
            broadcasts: Broadcasts::default(),
            push_memory: FrameMemory::new(settings.push_memory),
            clock: Clock::default(),
            metrics: Metrics::default(),
            next_session: AtomicU64::new(fastrand::u64(..)),
            settings,
        })
    }

    /// How many users have a session, not counting the workers' own probes.
    pub fn users(&self) -> usize {
        let probes = self.broadcasts.workers();
        self.registry.users().saturating_sub(probes)
    }

    /// The tick by which a socket that takes no more has to.
    pub fn write_deadline(&self) -> u32 {
        self.clock.tick_after(self.settings.write_timeout)
    }

    /// An id no other session has.
    pub fn next_session_id(&self) -> SessionId {
        SessionId(self.next_session.fetch_add(1, Ordering::Relaxed))
    }
}

/// Time since the gateway started, in ticks of the timer wheel.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    start_since_epoch: Duration,
}

impl Default for Clock {
    fn default() -> Self {
        Self { start: Instant::now(), start_since_epoch: since_epoch() }
    }
}

impl Clock {
    /// The present tick; 0 is the start. Enough for six years.
    pub fn tick_now(&self) -> u32 {
        ticks(self.start.elapsed())
    }

    /// The tick in which a client's time is over that begins now. By the clock, because a worker
    /// that was held up catches up on ticks, and the client has its time all the same.
    pub fn tick_after(&self, duration: Duration) -> u32 {
        self.tick_now() + ticks(duration)
    }

    /// The tick by which a time given in seconds since the Unix epoch has passed.
    pub fn tick_of(&self, epoch_seconds: u64) -> u32 {
        let until = Duration::from_secs(epoch_seconds).saturating_sub(self.start_since_epoch);
        ticks(until).saturating_add(1)
    }

    /// Seconds since the Unix epoch at a tick.
    pub fn epoch_seconds(&self, tick: u32) -> u64 {
        (self.start_since_epoch + TICK * tick).as_secs()
    }
}

/// Microseconds since the Unix epoch.
pub fn micros_since_epoch() -> u64 {
    since_epoch().as_micros() as u64
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// A duration in ticks, rounded down, at most the one before [`NEVER`].
pub fn ticks(duration: Duration) -> u32 {
    let ticks = duration.as_millis() / TICK.as_millis();
    u32::try_from(ticks).unwrap_or(NEVER).min(NEVER - 1)
}
