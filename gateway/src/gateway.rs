//! What links, operators and the start of a gateway need of it.

use std::sync::{Arc, atomic::AtomicBool};

use limits::cost::gateway_bytes;
use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    access::{
        accepting::Accepting, admission::Admission, auth::Authenticator, link_secrets::LinkSecrets,
        pending::Room, recalls::Recalls,
    },
    delivery::{batches::BatchLog, dispatch::Delivery, fan_out::FanOut, frame::FrameMemory},
    ledger::Ledger,
    metrics::Metrics,
    runtime::clock::Clock,
    session::{Address, Directory, Shared},
    settings::Settings,
    standstill::Standstill,
    uplink::{deciders::Deciders, queue::LinkQueue, way::Way},
};

/// The state of a gateway process.
pub(crate) struct Gateway {
    /// What was set.
    pub settings: Arc<Settings>,
    /// The name in receipts and presence.
    pub name: String,
    /// New at each start, unless it takes over from another process.
    pub instance: Uuid,
    /// Checks clients' tokens.
    pub authenticator: Arc<Authenticator>,
    /// What a pusher-api must show one of, if there are any.
    pub link_secrets: Arc<LinkSecrets>,
    /// What operators may show instead who give orders.
    pub operators_keys: Arc<LinkSecrets>,
    /// Places for links.
    pub links: Arc<Semaphore>,
    /// How many sessions there may be.
    pub admission: Arc<Admission>,
    /// Who is asked to come back.
    pub recalls: Recalls,
    /// Whether load balancers shall send clients here, as it was found last.
    pub is_ready: AtomicBool,
    /// Whether connections can be accepted.
    pub accepting: Arc<Accepting>,
    /// The room for connections that are not sessions.
    pub room: Room,
    /// Who is here.
    pub directory: Arc<Directory>,
    /// Which pusher-apis decide whose sessions are newer, ours or another gateway's.
    pub deciders: Mutex<Deciders<Way>>,
    /// Batches that were delivered.
    pub batches: BatchLog,
    /// Pushes to topics and to everybody.
    pub fan_out: Arc<FanOut>,
    /// Whether everybody is being told of pushes that were given up.
    pub everybody: Everybody,
    /// Bytes of pushes that wait.
    pub push_memory: Arc<FrameMemory>,
    /// What sessions hold of memory.
    pub ledger: Arc<Ledger>,
    /// Whether links stand still, because another process is about to take over.
    pub standstill: Standstill,
    /// Ticks.
    pub clock: Clock,
    /// What operators see.
    pub metrics: Arc<Metrics>,
}

/// Whether everybody is being told of something, and whether that is wanted once more.
#[derive(Default)]
pub(crate) struct Everybody {
    /// Wanted, and not begun.
    pub wanted: AtomicBool,
    /// Begun.
    pub under_way: AtomicBool,
}

/// What a gateway process has of the one before it, or begins with.
pub(crate) struct Inherited {
    /// What pusher-apis know it by.
    pub instance: Uuid,
    /// Batches that were delivered.
    pub batches: BatchLog,
    /// What is known of other gateways.
    pub deciders: Deciders<Way>,
}

impl Default for Inherited {
    fn default() -> Self {
        Self {
            instance: Uuid::new_v4(),
            batches: BatchLog::default(),
            deciders: Deciders::default(),
        }
    }
}

impl Gateway {
    /// The state at the start, around what the sessions share.
    pub(crate) fn new(
        shared: &Shared,
        workers: usize,
        name: String,
        [link_secrets, operators_keys]: [Arc<LinkSecrets>; 2],
        inherited: Inherited,
    ) -> Arc<Self> {
        let Shared { settings, clock, metrics, directory, fan_out, push_memory, ledger, .. } =
            shared.clone();
        let Inherited { instance, batches, deciders } = inherited;
        Arc::new(Self {
            name,
            instance,
            authenticator: Arc::clone(&shared.authenticator),
            link_secrets,
            operators_keys,
            links: Arc::new(Semaphore::new(settings.max_links)),
            admission: Arc::new(Admission::new(&settings)),
            recalls: Recalls::default(),
            is_ready: AtomicBool::new(false),
            accepting: Accepting::new(&metrics),
            room: Room::of(&settings, workers),
            directory,
            deciders: Mutex::new(deciders),
            batches,
            fan_out,
            everybody: Everybody::default(),
            push_memory,
            ledger,
            standstill: Standstill::default(),
            clock,
            metrics,
            settings,
        })
    }

    /// How many users have a session, not counting the workers' own probes.
    pub(crate) fn users(&self) -> usize {
        let probes = self.fan_out.workers();
        self.directory.registry.users().saturating_sub(probes)
    }

    /// What peers make this process hold: class, bytes, and the most there may be.
    pub(crate) fn memory(&self) -> [(&'static str, usize, usize); 7] {
        let Self { ledger, push_memory, admission, directory, metrics, .. } = self;
        let bytes = |over_tls| usize::try_from(gateway_bytes(over_tls)).unwrap_or(usize::MAX);
        let (each, most) = (bytes(false), admission.max_sessions());
        let links = &directory.presence;
        let shown = |gauge: &IntGauge| usize::try_from(gauge.get()).unwrap_or(0);
        let inside_tls = shown(&metrics.tls.sessions) * (bytes(true) - each);
        let sessions = admission.sessions() * each + inside_tls;
        let pending = (shown(&metrics.pending_bytes), shown(&metrics.pending_bytes_limit));
        [
            ("pending", pending.0, pending.1),
            ("sessions", sessions, most.saturating_mul(bytes(self.settings.takes_tls()))),
            ("incomplete", ledger.incomplete.used(), ledger.incomplete.limit()),
            ("queues", ledger.queues.used(), ledger.queues.limit()),
            ("topics", ledger.topics.used(), ledger.topics.limit()),
            ("pushes", push_memory.used(), push_memory.limit()),
            ("links", links.queued(), links.limit()),
        ]
    }

    /// Delivers pushes whose receipts go back over `link`.
    pub(crate) fn delivery(&self, link: Arc<LinkQueue>) -> Delivery<Address> {
        let (directory, fan_out) = (Arc::clone(&self.directory), Arc::clone(&self.fan_out));
        let no_session = self.metrics.deliveries.no_session.clone();
        Delivery::new(directory, fan_out, Arc::clone(&self.push_memory), link, no_session)
    }
}
