//! What the sessions of one thread share.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    ops::Deref,
    sync::Arc,
    time::Duration,
};

use super::{addresses::Addresses, holdings::Holdings, kept::Places, poller::Poller};
use crate::{
    access::auth::Authenticator,
    delivery::{fan_out::FanOut, frame::FrameMemory, lane::Lane, walks::Walks},
    directory::Directory,
    ledger::{Bounds, Ledger},
    metrics::Metrics,
    runtime::{
        clock::{Clock, ticks},
        reactor::Calls,
        wheel::{NEVER, Wheel},
    },
    settings::Settings,
    tls::{Budget, Buffers},
};

/// A wall clock that is off by so much from one tick to the next was set.
const SET: Duration = Duration::from_millis(500);
/// Bytes read from a socket at a time, shared by all sessions of a thread.
const SCRATCH_BYTES: usize = 64 * 1024;

/// What the sessions of all threads share. `A` is where a session is reached.
pub(crate) struct Shared<A> {
    /// What was set.
    pub settings: Arc<Settings>,
    /// Ticks.
    pub clock: Clock,
    /// What operators see.
    pub metrics: Arc<Metrics>,
    /// Who is here.
    pub directory: Arc<Directory<A>>,
    /// Checks clients' tokens.
    pub authenticator: Arc<Authenticator>,
    /// Pushes to topics and to everybody.
    pub fan_out: Arc<FanOut>,
    /// Bytes of pushes that wait.
    pub push_memory: Arc<FrameMemory>,
    /// What sessions hold of memory.
    pub ledger: Arc<Ledger>,
}

impl<A> Shared<A> {
    /// As it is at the start, with nobody here.
    pub(crate) fn new(
        settings: Settings,
        authenticator: Arc<Authenticator>,
        bounds: Bounds,
    ) -> Self {
        Self {
            clock: Clock::default(),
            metrics: Arc::default(),
            directory: Arc::default(),
            authenticator,
            fan_out: Arc::default(),
            push_memory: FrameMemory::new(bounds.pushes),
            ledger: Arc::new(Ledger::new(bounds)),
            settings: Arc::new(settings),
        }
    }
}

impl<A> Clone for Shared<A> {
    fn clone(&self) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            clock: self.clock,
            metrics: Arc::clone(&self.metrics),
            directory: Arc::clone(&self.directory),
            authenticator: Arc::clone(&self.authenticator),
            fan_out: Arc::clone(&self.fan_out),
            push_memory: Arc::clone(&self.push_memory),
            ledger: Arc::clone(&self.ledger),
        }
    }
}

/// What the sessions of one thread share: with all others, and among themselves.
pub(crate) struct Local<A> {
    shared: Shared<A>,
    /// Where fan-outs come in for this thread.
    pub lane: Arc<Lane>,
    /// Those that are under way on it, and who is subscribed to what.
    pub walks: RefCell<Walks>,
    /// Sessions with something in their mailbox.
    pub calls: Arc<Calls>,
    /// When the sessions want to be woken.
    pub wheel: RefCell<Wheel>,
    /// Which sessions hold memory.
    pub holdings: RefCell<Holdings>,
    /// Who asks by requests, by the seats of their sessions.
    /// In boxes, because half of such a table is empty.
    pub(super) pollers: RefCell<HashMap<u32, Box<Poller>>>,
    /// Where sessions are in the logs of their users, by seat.
    pub places: RefCell<Places>,
    /// Where those are that came through proxies, by seat.
    pub addresses: RefCell<Addresses>,
    /// Where sockets are read into.
    pub scratch: RefCell<Box<[u8]>>,
    /// Where records of TLS are put together and taken apart.
    pub tls: RefCell<Buffers>,
    /// The time for handshakes of TLS.
    pub handshaking: Budget,
    /// Ticks since the gateway started, as far as the wheel has turned.
    tick: Cell<u32>,
    /// The wall clock's time at tick 0, as it says now.
    wall_at_start: Cell<Duration>,
}

impl<A> Deref for Local<A> {
    type Target = Shared<A>;

    fn deref(&self) -> &Shared<A> {
        &self.shared
    }
}

impl<A> Local<A> {
    /// For a thread without sessions yet.
    pub(crate) fn new(shared: Shared<A>, lane: Arc<Lane>) -> Self {
        let tick = Cell::new(shared.clock.tick_now());
        let wall_at_start = Cell::new(shared.clock.wall_at_start());
        Self {
            shared,
            lane,
            walks: RefCell::default(),
            calls: Arc::default(),
            wheel: RefCell::default(),
            holdings: RefCell::default(),
            pollers: RefCell::default(),
            places: RefCell::default(),
            addresses: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice()),
            tls: RefCell::default(),
            handshaking: Budget::default(),
            tick,
            wall_at_start,
        }
    }

    /// The time in ticks, as coarse as the wheel.
    pub(crate) fn tick(&self) -> u32 {
        self.tick.get()
    }

    /// The tick in which the wall clock is past this second of the Unix epoch, if it goes on as it is.
    pub(crate) fn tick_at(&self, epoch_seconds: u32) -> u32 {
        if epoch_seconds == NEVER {
            return NEVER;
        }
        let until = Duration::from_secs(epoch_seconds.into());
        ticks(until.saturating_sub(self.wall_at_start.get())).saturating_add(1)
    }

    /// Looks at the wall clock; true if it was set, so that what sessions wait for has to be found
    /// anew. What it is slowed or hurried by is taken in without that: sessions look often enough.
    pub(crate) fn was_wall_clock_set(&self) -> bool {
        let now = self.clock.wall_at_start();
        let before = self.wall_at_start.replace(now);
        now.abs_diff(before) >= SET
    }

    /// Moves the time on by a tick, and returns who is to be looked at in it.
    pub(crate) fn next_tick(&self) -> (u32, Vec<u32>) {
        let tick = self.tick.get() + 1;
        self.tick.set(tick);
        (tick, self.wheel.borrow_mut().take(tick))
    }

    /// The tick by which a socket that takes no more has to.
    pub(crate) fn write_deadline(&self) -> u32 {
        self.clock.tick_after(self.settings.write_timeout)
    }
}
