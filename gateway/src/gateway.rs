//! What links, operators and the start of a gateway need of it.

use std::sync::{Arc, atomic::AtomicBool};

use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::{
    access::{
        accepting::Accepting, admission::Admission, auth::Authenticator, link_secrets::LinkSecrets,
        pending::Room,
    },
    delivery::{batches::BatchLog, dispatch::Delivery, fan_out::FanOut, frame::FrameMemory},
    metrics::Metrics,
    runtime::clock::Clock,
    session::{Address, Directory, Shared},
    settings::Settings,
    uplink::queue::LinkQueue,
};

/// The state of a gateway process.
pub(crate) struct Gateway {
    /// What was set.
    pub settings: Arc<Settings>,
    /// The name in receipts and presence.
    pub name: String,
    /// New at each start.
    pub instance: Uuid,
    /// Checks clients' tokens.
    pub authenticator: Arc<Authenticator>,
    /// What a pusher-api must show one of, if there are any.
    pub link_secrets: Arc<LinkSecrets>,
    /// Places for links.
    pub links: Arc<Semaphore>,
    /// How many sessions there may be.
    pub admission: Arc<Admission>,
    /// Whether connections can be accepted.
    pub accepting: Arc<Accepting>,
    /// The room for connections that are not sessions.
    pub room: Room,
    /// Who is here.
    pub directory: Arc<Directory>,
    /// Batches that were delivered.
    pub batches: BatchLog,
    /// Pushes to topics and to everybody.
    pub fan_out: Arc<FanOut>,
    /// Whether everybody is being told of pushes that were given up.
    pub everybody: Everybody,
    /// Bytes of pushes that wait.
    pub push_memory: Arc<FrameMemory>,
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

impl Gateway {
    /// The state at the start, around what the sessions share.
    pub(crate) fn new(
        shared: &Shared,
        workers: usize,
        name: String,
        link_secrets: Arc<LinkSecrets>,
    ) -> Arc<Self> {
        let Shared { settings, clock, metrics, directory, fan_out, push_memory, .. } =
            shared.clone();
        Arc::new(Self {
            name,
            instance: Uuid::new_v4(),
            authenticator: Arc::clone(&shared.authenticator),
            link_secrets,
            links: Arc::new(Semaphore::new(settings.max_links)),
            admission: Arc::new(Admission::new(&settings)),
            accepting: Accepting::new(&metrics),
            room: Room::of(&settings, workers),
            directory,
            batches: BatchLog::default(),
            fan_out,
            everybody: Everybody::default(),
            push_memory,
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

    /// Delivers pushes whose receipts go back over `link`.
    pub(crate) fn delivery(&self, link: Arc<LinkQueue>) -> Delivery<Address> {
        let (directory, fan_out) = (Arc::clone(&self.directory), Arc::clone(&self.fan_out));
        Delivery::new(directory, fan_out, Arc::clone(&self.push_memory), link)
    }
}
