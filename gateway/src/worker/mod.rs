//! One worker: a thread that holds sessions, and what they share on it.
//!
//! [`seats`] says who is here and gives each its turn, [`run`] is the loop that finds out whose turn
//! it is, [`walk`] delivers broadcasts and [`drain`] ends it all.

mod drain;
mod run;
mod seats;
mod walk;

use std::{
    cell::{Cell, RefCell},
    io,
    rc::Rc,
    sync::Arc,
};

use slab::Slab;
use tokio::task::yield_now;

use self::seats::Seat;
use crate::{
    broadcast::Recent,
    gateway::Gateway,
    reactor::{Calls, Reactor, Sockets},
    wheel::Wheel,
};

/// Sessions handled before other work on the thread gets its turn.
const SLICE: usize = 64;
/// Bytes read from a socket at a time, shared by all sessions of the worker.
const SCRATCH_BYTES: usize = 64 * 1024;

/// What the sessions of one thread share, and the sessions.
pub struct Worker {
    /// What all workers share.
    pub gateway: Arc<Gateway>,
    /// When the sessions want to be woken.
    pub wheel: RefCell<Wheel>,
    /// Where sockets are read into.
    pub scratch: RefCell<Box<[u8]>>,
    /// Broadcasts under way.
    pub recent: Arc<Recent>,
    /// Sessions with something in their mailbox.
    pub calls: Arc<Calls>,
    seats: RefCell<Slab<Seat>>,
    /// Seats whose sessions had more to do than fits into a turn.
    again: RefCell<Vec<u32>>,
    sockets: Sockets,
    /// Ticks since the gateway started.
    tick: Cell<u32>,
}

impl Worker {
    /// A worker without sessions, and the reactor to run them with.
    ///
    /// # Errors
    /// The process is out of descriptors.
    pub fn new(gateway: Arc<Gateway>, recent: Arc<Recent>) -> io::Result<(Rc<Self>, Reactor)> {
        let tick = gateway.clock.tick_now();
        let reactor = Reactor::new()?;
        let worker = Self {
            gateway,
            wheel: RefCell::default(),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES].into_boxed_slice()),
            recent,
            calls: Arc::default(),
            seats: RefCell::default(),
            again: RefCell::default(),
            sockets: reactor.sockets(),
            tick: Cell::new(tick),
        };
        Ok((Rc::new(worker), reactor))
    }

    /// The time in ticks, as coarse as the wheel.
    pub fn tick(&self) -> u32 {
        self.tick.get()
    }

    /// Does something for each, and lets other work of the thread through now and then.
    async fn in_slices<T>(&self, items: &[T], each: impl Fn(&T)) {
        for (index, slice) in items.chunks(SLICE).enumerate() {
            if index > 0 {
                yield_now().await;
            }
            slice.iter().for_each(&each);
        }
    }
}
