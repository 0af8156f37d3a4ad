//! One worker: a thread that holds sessions, and what they share on it.

use std::{
    cell::{Cell, RefCell},
    io,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix::Handler;
use protocol::CloseReason;
use slab::Slab;
use tokio::{
    task::yield_now,
    time::{MissedTickBehavior, interval},
};

use crate::{
    broadcast::Recent,
    deliver::Deliver,
    gateway::Gateway,
    reactor::{Calls, Reactor, Ready, Sockets},
    session::{After, Running, Session, SessionContext},
    wheel::{TICK, Wheel},
};

/// Sessions handled before other work on the thread gets its turn.
const SLICE: usize = 256;
/// How often a drain closes its share of sessions.
const DRAIN_STEP: Duration = Duration::from_millis(50);
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
    /// Each in a box, so that the memory of one that is gone can be given back.
    sessions: RefCell<Slab<Box<Running>>>,
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
            sessions: RefCell::default(),
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

    /// The seat that [`Self::seat`] must fill before another is asked for.
    pub fn vacant_seat(&self) -> u32 {
        let key = self.sessions.borrow().vacant_key();
        u32::try_from(key).expect("there are fewer sessions than descriptors")
    }

    /// Has the socket of the session in a seat waited for.
    ///
    /// # Errors
    /// The kernel has no room for it.
    pub fn watch(&self, socket: tokio::net::TcpStream, seat: u32) -> io::Result<TcpStream> {
        let socket = socket.into_std()?;
        self.sockets.watch(&socket, seat)?;
        Ok(socket)
    }

    /// Puts a session into the vacant seat, and gives it its first turn.
    pub fn seat(&self, seat: u32, running: Running) {
        let key = self.sessions.borrow_mut().insert(Box::new(running));
        debug_assert_eq!(key, seat as usize, "the seat was vacant");
        self.turn(seat, |_, _| false);
    }

    /// Gives the session in a seat, if there is one, its turn. A panic costs that session only.
    fn turn(&self, seat: u32, work: impl FnOnce(&mut Session, &mut SessionContext) -> bool) {
        let mut sessions = self.sessions.borrow_mut();
        let Some(running) = sessions.get_mut(seat as usize) else { return };
        let turn = catch_unwind(AssertUnwindSafe(|| running.turn(work)));
        match turn {
            Ok(After::Rest) => {}
            Ok(After::Again) => self.again.borrow_mut().push(seat),
            Ok(After::Over) => drop(sessions.remove(seat as usize)),
            Err(_) => {
                self.gateway.metrics.session_panics.inc();
                drop(sessions.remove(seat as usize));
            }
        }
    }

    /// Runs the sessions, for ever.
    pub async fn run_sessions(self: Rc<Self>, mut reactor: Reactor) {
        let (mut called, mut ready) = (Vec::new(), Vec::new());
        let mut more = false;
        loop {
            if !more && self.again.borrow().is_empty() {
                reactor.wait(&self.calls).await;
            } else {
                yield_now().await;
            }
            more = reactor.fetch(&mut ready);
            self.calls.take(&mut called);
            let again = std::mem::take(&mut *self.again.borrow_mut());
            ready.extend(again.into_iter().map(|seat| (seat, Ready::TO_READ)));
            self.in_slices(&called, |seat| self.turn(*seat, |_, _| false)).await;
            self.in_slices(&ready, |(seat, ready)| {
                self.turn(*seat, |session, ctx| session.on_ready(*ready, ctx));
            })
            .await;
            called.clear();
            ready.clear();
        }
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

    /// Turns the wheel, for ever.
    pub async fn keep_time(self: Rc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let now = self.gateway.clock.tick_now();
            while self.tick.get() < now {
                let tick = self.tick.get() + 1;
                self.tick.set(tick);
                let noted = self.wheel.borrow_mut().take(tick);
                let on_tick = |seat: &u32| self.turn(*seat, |session, _| session.on_tick(tick));
                self.in_slices(&noted, on_tick).await;
            }
            self.recent.forget();
        }
    }

    /// Delivers broadcasts, for ever, one after another.
    pub async fn walk_broadcasts(self: Rc<Self>) {
        loop {
            let message = self.recent.next().await;
            let mut seat = 0;
            while seat < self.end() {
                for seat in seat..seat + SLICE as u32 {
                    self.turn(seat, |session, ctx| broadcast(session, ctx, &message));
                }
                seat += SLICE as u32;
                yield_now().await;
            }
            self.recent.walked(message.broadcast);
        }
    }

    /// Every seat is numbered below this.
    fn end(&self) -> u32 {
        self.sessions.borrow().capacity() as u32
    }

    /// Closes every session, spread evenly over `period`, and returns when all are gone or have
    /// had `grace` to go.
    pub async fn drain(&self, period: Duration, grace: Duration) {
        let seats: Vec<_> = self.sessions.borrow().iter().map(|(key, _)| key as u32).collect();
        let start = Instant::now();
        let mut steps = interval(DRAIN_STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed = 0;
        while !self.sessions.borrow().is_empty() && start.elapsed() < period + grace {
            let share = match period.is_zero() {
                true => 1.0,
                false => (start.elapsed().as_secs_f64() / period.as_secs_f64()).min(1.0),
            };
            let due = (seats.len() as f64 * share).ceil() as usize;
            self.in_slices(&seats[closed..due], |seat| self.turn(*seat, drain)).await;
            closed = due;
            steps.tick().await;
        }
    }
}

fn drain(session: &mut Session, _: &mut SessionContext) -> bool {
    session.close(CloseReason::Draining);
    false
}

/// Delivers a broadcast as if it had come through the mailbox: behind what is in there.
fn broadcast(session: &mut Session, ctx: &mut SessionContext, message: &Deliver) -> bool {
    match ctx.is_behind() {
        true => ctx.send_to_self(message.clone()),
        false => session.handle(message.clone(), ctx),
    }
    false
}
