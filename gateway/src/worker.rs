//! One worker: a thread that holds sessions, and what they share on it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::CloseReason;
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    broadcast::Recent,
    deliver,
    gateway::Gateway,
    roster::{Roster, TICK},
    session::{Close, Wake},
};

/// Sessions handled before other work on the thread gets its turn.
const SLICE: usize = 256;
/// How often a drain closes its share of sessions.
const DRAIN_STEP: Duration = Duration::from_millis(50);
/// Bytes read from a socket at a time, shared by all sessions of the worker.
const SCRATCH_BYTES: usize = 64 * 1024;

/// What the sessions of one thread share.
pub struct Worker {
    /// What all workers share.
    pub gateway: Arc<Gateway>,
    /// The sessions of this thread.
    pub roster: RefCell<Roster>,
    /// Where sockets are read into.
    pub scratch: RefCell<Box<[u8]>>,
    /// Broadcasts under way.
    pub recent: Arc<Recent>,
    /// Ticks since the gateway started.
    tick: Cell<u32>,
}

impl Worker {
    /// A worker without sessions.
    pub fn new(gateway: Arc<Gateway>, recent: Arc<Recent>) -> Rc<Self> {
        let tick = gateway.clock.tick_now();
        Rc::new(Self {
            gateway,
            roster: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice()),
            recent,
            tick: Cell::new(tick),
        })
    }

    /// The time in ticks, as coarse as the wheel.
    pub fn tick(&self) -> u32 {
        self.tick.get()
    }

    /// Turns the wheel, for ever.
    pub async fn keep_time(self: Rc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let now = self.gateway.clock.tick_now();
            while self.tick.get() < now {
                self.tick.set(self.tick.get() + 1);
                self.wake_due(self.tick.get()).await;
            }
            self.recent.forget();
        }
    }

    async fn wake_due(&self, tick: u32) {
        let notes = self.roster.borrow_mut().take_notes(tick);
        for slice in notes.chunks(SLICE) {
            for key in slice {
                let due = self.roster.borrow_mut().wake(*key, tick);
                if let Some(session) = due.and_then(|address| address.upgrade()) {
                    session.do_send(Wake);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Delivers broadcasts, for ever, one after another.
    pub async fn walk_broadcasts(self: Rc<Self>) {
        loop {
            let message = self.recent.next().await;
            let mut key = 0;
            while key < self.roster.borrow().end() {
                for key in key..key + SLICE as u32 {
                    let session = self.roster.borrow().get(key);
                    if let Some(session) = session {
                        deliver::send(&session, &message);
                    }
                }
                key += SLICE as u32;
                tokio::task::yield_now().await;
            }
            self.recent.walked(message.broadcast);
        }
    }

    /// Closes every session, spread evenly over `period`, and returns when all are gone or have
    /// had `grace` to go.
    pub async fn drain(&self, period: Duration, grace: Duration) {
        let keys = self.roster.borrow().keys();
        let start = Instant::now();
        let mut steps = interval(DRAIN_STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed = 0;
        while !self.roster.borrow().is_empty() && start.elapsed() < period + grace {
            let share = match period.is_zero() {
                true => 1.0,
                false => (start.elapsed().as_secs_f64() / period.as_secs_f64()).min(1.0),
            };
            let due = (keys.len() as f64 * share).ceil() as usize;
            for slice in keys[closed..due].chunks(SLICE) {
                self.close_seats(slice);
                tokio::task::yield_now().await;
            }
            closed = due;
            steps.tick().await;
        }
    }

    fn close_seats(&self, keys: &[u32]) {
        for key in keys {
            let session = self.roster.borrow().get(*key);
            if let Some(session) = session.and_then(|address| address.upgrade()) {
                session.do_send(Close(CloseReason::Draining));
            }
        }
    }
}
