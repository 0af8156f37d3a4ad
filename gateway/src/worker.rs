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
    arrivals::{Arrival, Arrivals, Arrived},
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

/// Who is in a seat. Each in a box, so that the memory of one that is gone can be given back.
enum Seat {
    /// Kept for a connection that is being dealt with.
    Kept,
    Arrival(Box<Arrival>),
    Session(Box<Running>),
}

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

    /// Gives a new connection a seat, where it waits for its first words.
    pub fn arrive(&self, mut arrival: Arrival) {
        let mut seats = self.seats.borrow_mut();
        let entry = seats.vacant_entry();
        let seat = seat_number(entry.key());
        if let Err(error) = self.sockets.watch(&arrival.socket, seat) {
            return self.gateway.metrics.accept_error(&error.into());
        }
        arrival.schedule(seat, self);
        entry.insert(Seat::Arrival(Box::new(arrival)));
    }

    /// Keeps a seat for a connection while `work` turns it into a session.
    ///
    /// # Errors
    /// The kernel has no room to wait for it.
    pub fn in_new_seat<R>(
        &self,
        socket: TcpStream,
        work: impl FnOnce(TcpStream, u32) -> R,
    ) -> io::Result<R> {
        let seat = seat_number(self.seats.borrow_mut().insert(Seat::Kept));
        let result = self.sockets.watch(&socket, seat).map(|()| work(socket, seat));
        self.free_kept(seat);
        Ok(result?)
    }

    fn free_kept(&self, seat: u32) {
        let mut seats = self.seats.borrow_mut();
        if let Some(Seat::Kept) = seats.get(seat as usize) {
            seats.remove(seat as usize);
        }
    }

    /// Gives a connection that did not become a session to the runtime.
    ///
    /// # Errors
    /// The kernel has no room to wait for it there.
    pub fn release(&self, socket: TcpStream) -> io::Result<tokio::net::TcpStream> {
        self.sockets.forget(&socket)?;
        tokio::net::TcpStream::from_std(socket)
    }

    /// Puts a session into the seat kept for it, and gives it its first turn.
    pub fn seat(&self, seat: u32, running: Running) {
        self.seats.borrow_mut()[seat as usize] = Seat::Session(Box::new(running));
        self.turn(seat, |_, _| false);
    }

    /// Gives the session in a seat, if there is one, its turn. A panic costs that session only.
    fn turn(&self, seat: u32, work: impl FnOnce(&mut Session, &mut SessionContext) -> bool) {
        let mut seats = self.seats.borrow_mut();
        let Some(Seat::Session(running)) = seats.get_mut(seat as usize) else { return };
        let over = match self.guarded(|| running.turn(work)) {
            Some(After::Rest) => false,
            Some(After::Again) => {
                self.again.borrow_mut().push(seat);
                false
            }
            Some(After::Over) | None => true,
        };
        if over {
            drop(seats.remove(seat as usize));
        }
    }

    /// Runs some work for one client; nothing comes of it if it panics.
    fn guarded<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        let result = catch_unwind(AssertUnwindSafe(work));
        if result.is_err() {
            self.gateway.metrics.session_panics.inc();
        }
        result.ok()
    }

    /// Runs the sessions, for ever.
    pub async fn run_sessions(self: Rc<Self>, mut reactor: Reactor, arrivals: Rc<Arrivals>) {
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
            self.in_slices(&ready, |(seat, ready)| self.on_ready(*seat, *ready, &arrivals)).await;
            called.clear();
            ready.clear();
        }
    }

    fn on_ready(&self, seat: u32, ready: Ready, arrivals: &Arrivals) {
        match self.take_arrival(seat, |_| ready.readable) {
            Some(arrival) => self.on_first_words(seat, ready, arrival, arrivals),
            None => self.turn(seat, |session, ctx| session.on_ready(ready, ctx)),
        }
    }

    /// Takes the arrival out of a seat, if one is there and `wanted`; the seat is kept.
    fn take_arrival(
        &self,
        seat: u32,
        wanted: impl FnOnce(&Arrival) -> bool,
    ) -> Option<Box<Arrival>> {
        let mut seats = self.seats.borrow_mut();
        let there = seats.get_mut(seat as usize)?;
        match there {
            Seat::Arrival(arrival) if wanted(arrival) => {}
            _ => return None,
        }
        match std::mem::replace(there, Seat::Kept) {
            Seat::Arrival(arrival) => Some(arrival),
            _ => None,
        }
    }

    fn on_first_words(&self, seat: u32, ready: Ready, arrival: Box<Arrival>, arrivals: &Arrivals) {
        match self.guarded(|| arrivals.receive(arrival, seat)) {
            Some(Arrived::Waiting(arrival)) => {
                self.seats.borrow_mut()[seat as usize] = Seat::Arrival(arrival);
            }
            Some(Arrived::Settled) | None => self.free_kept(seat),
        }
        // Its end was told together with its first words, and will not be told again.
        if ready.ended {
            self.again.borrow_mut().push(seat);
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
                self.in_slices(&noted, |seat| self.on_tick(*seat, tick)).await;
            }
            self.recent.forget();
        }
    }

    fn on_tick(&self, seat: u32, tick: u32) {
        self.turn(seat, |session, _| session.on_tick(tick));
        let Some(mut arrival) = self.take_arrival(seat, |arrival| arrival.due == tick) else {
            return;
        };
        // One that was silent for so long is not worth an answer.
        if arrival.deadline <= tick {
            return self.free_kept(seat);
        }
        arrival.schedule(seat, self);
        self.seats.borrow_mut()[seat as usize] = Seat::Arrival(arrival);
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
        self.seats.borrow().capacity() as u32
    }

    /// Closes every session, spread evenly over `period`, and returns when all are gone or have
    /// had `grace` to go.
    pub async fn drain(&self, period: Duration, grace: Duration) {
        self.seats.borrow_mut().retain(|_, seat| !matches!(seat, Seat::Arrival(_)));
        let seats: Vec<_> = self.seats.borrow().iter().map(|(key, _)| seat_number(key)).collect();
        let start = Instant::now();
        let mut steps = interval(DRAIN_STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed = 0;
        while !self.seats.borrow().is_empty() && start.elapsed() < period + grace {
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

fn seat_number(key: usize) -> u32 {
    u32::try_from(key).expect("there are fewer sessions than descriptors")
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
