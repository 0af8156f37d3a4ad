//! The seats of a thread, and whose turn it is.

use std::{
    cell::RefCell,
    collections::VecDeque,
    io,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use bytes::BytesMut;
use slab::Slab;

use super::arrival::{Arrival, Port, Progress};
use crate::{
    access::pending::Pending,
    runtime::{
        reactor::Sockets,
        wheel::{NEVER, Wheel},
    },
    session::{Address, After, GivenUp, Local, Runner, Session, SessionContext},
    tls::Socket,
};

/// Who is in a seat. Each in a box, so that the memory of one that is gone can be given back.
pub(super) enum Seat {
    /// Kept for a connection that is being dealt with.
    Kept,
    Arrival(Box<Arrival>),
    Session(Box<Runner>),
}

/// The seats of one thread.
pub(crate) struct Seats {
    /// What the sessions of this thread share.
    pub local: Rc<Local>,
    pub(super) seats: RefCell<Slab<Seat>>,
    /// Seats whose sessions had more to do than fits into a turn.
    again: RefCell<Vec<u32>>,
    /// Seats of connections whose handshakes of TLS wait for time, the first of them first.
    deferred: RefCell<VecDeque<u32>>,
    pub(super) sockets: Sockets,
}

impl Seats {
    /// Empty seats; `sockets` is where their connections are waited for.
    pub(crate) fn new(local: Rc<Local>, sockets: Sockets) -> Rc<Self> {
        let (seats, again, deferred) = (RefCell::default(), RefCell::default(), RefCell::default());
        Rc::new(Self { local, seats, again, deferred, sockets })
    }

    /// Gives a new connection a seat, where it may speak until the deadline, at a proxied port behind a header.
    ///
    /// # Errors
    /// The kernel has no room to wait for the connection.
    pub(crate) fn arrive(
        &self,
        socket: Socket,
        (port, is_proxied): (Port, bool),
        deadline: u32,
        pending: &Rc<Pending>,
    ) -> io::Result<()> {
        let mut seats = self.seats.borrow_mut();
        let entry = seats.vacant_entry();
        let seat = seat_number(entry.key());
        let Socket { stream: socket, tls } = socket;
        self.sockets.watch(&socket, seat)?;
        let (progress, guard) = (Progress::Speaking(BytesMut::new()), pending.enter(seat));
        let (device, due) = (None, NEVER);
        let mut arrival =
            Arrival { socket, tls, port, is_proxied, progress, device, deadline, due, guard };
        self.schedule(&mut arrival, seat);
        entry.insert(Seat::Arrival(Box::new(arrival)));
        Ok(())
    }

    /// Has the thread look when the arrival's deadline comes, or as near to it as the wheel reaches.
    fn schedule(&self, arrival: &mut Arrival, seat: u32) {
        arrival.due = Wheel::reachable(arrival.deadline, self.local.tick());
        self.local.wheel.borrow_mut().note(seat, arrival.due);
    }

    /// Seats the session that `start` makes of a connection, unless it hands something else back.
    ///
    /// # Errors
    /// The kernel has no room to wait for the connection.
    pub(crate) fn start<E>(
        &self,
        socket: TcpStream,
        start: impl FnOnce(TcpStream, u32) -> Result<Runner, E>,
    ) -> io::Result<Result<(), E>> {
        let seat = seat_number(self.seats.borrow_mut().insert(Seat::Kept));
        let started = self.sockets.watch(&socket, seat).map(|()| start(socket, seat));
        let result = match started {
            Ok(Ok(runner)) => {
                self.seat(seat, runner);
                Ok(Ok(()))
            }
            Ok(Err(other)) => Ok(Err(other)),
            Err(error) => Err(error.into()),
        };
        self.free_kept(seat);
        result
    }

    /// Seats the session without a connection that `start` makes, unless it refuses. Returns its seat, and where
    /// it is reached.
    pub(crate) fn open<E>(
        &self,
        start: impl FnOnce(u32) -> Result<Runner, E>,
    ) -> Result<(u32, Address), E> {
        let seat = seat_number(self.seats.borrow_mut().insert(Seat::Kept));
        let started = start(seat).map(|runner| {
            let address = runner.address();
            self.seat(seat, runner);
            (seat, address)
        });
        self.free_kept(seat);
        started
    }

    /// Puts a session into the seat kept for it, and gives it its first turn, in which its mailbox
    /// learns whom to wake.
    pub(crate) fn seat(&self, seat: u32, runner: Runner) {
        self.seats.borrow_mut()[seat as usize] = Seat::Session(Box::new(runner));
        self.turn(seat, Session::on_seated);
    }

    /// Puts an arrival back into the seat it was taken from.
    pub(crate) fn put_back(&self, seat: u32, mut arrival: Box<Arrival>) {
        if arrival.due == NEVER {
            self.schedule(&mut arrival, seat);
        }
        self.seats.borrow_mut()[seat as usize] = Seat::Arrival(arrival);
    }

    /// Frees a seat in which neither a session nor an arrival is.
    pub(crate) fn free_kept(&self, seat: u32) {
        let mut seats = self.seats.borrow_mut();
        if let Some(Seat::Kept) = seats.get(seat as usize) {
            seats.remove(seat as usize);
            self.local.addresses.borrow_mut().clear(seat);
        }
    }

    /// Gives the session in a seat, if there is one, its turn. A panic costs that session only. If it
    /// has come to hold so much memory that somebody has to go, they do.
    pub(crate) fn turn(
        &self,
        seat: u32,
        work: impl FnOnce(&mut Session, &mut SessionContext) -> bool,
    ) {
        self.take_turn(seat, work);
        for given_up in self.local.relief_after_turn() {
            self.give_up(given_up);
        }
    }

    /// Closes a session whose memory others need.
    pub(crate) fn give_up(&self, (seat, reason): GivenUp) {
        self.take_turn(seat, |session, _| {
            session.give_back(reason);
            false
        });
    }

    fn take_turn(&self, seat: u32, work: impl FnOnce(&mut Session, &mut SessionContext) -> bool) {
        let mut seats = self.seats.borrow_mut();
        let Some(Seat::Session(runner)) = seats.get_mut(seat as usize) else { return };
        let over = match self.guarded(|| runner.turn(work)) {
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

    /// Gives a seat another turn, when others have had theirs.
    pub(crate) fn again(&self, seat: u32) {
        self.again.borrow_mut().push(seat);
    }

    /// Whether seats wait for another turn.
    pub(crate) fn has_again(&self) -> bool {
        !self.again.borrow().is_empty()
    }

    /// The seats that wait for another turn; none do afterwards.
    pub(crate) fn take_again(&self) -> Vec<u32> {
        std::mem::take(&mut *self.again.borrow_mut())
    }

    /// Has a connection's handshake wait until there is time for it.
    pub(crate) fn defer(&self, seat: u32) {
        self.deferred.borrow_mut().push_back(seat);
    }

    /// Whether handshakes wait for time.
    pub(crate) fn has_deferred(&self) -> bool {
        !self.deferred.borrow().is_empty()
    }

    /// The seat of the handshake that has waited longest; it waits no more.
    pub(crate) fn take_deferred(&self) -> Option<u32> {
        self.deferred.borrow_mut().pop_front()
    }

    /// Runs some work for one client; nothing comes of it if it panics.
    pub(crate) fn guarded<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        let result = catch_unwind(AssertUnwindSafe(work));
        if result.is_err() {
            self.local.metrics.session_panics.inc();
        }
        result.ok()
    }

    /// Runs some work for whoever is in a seat; a panic costs whoever that is, and nobody else.
    pub(crate) fn step(&self, seat: u32, work: impl FnOnce()) {
        if self.guarded(work).is_none() {
            drop(self.seats.borrow_mut().try_remove(seat as usize));
            self.local.addresses.borrow_mut().clear(seat);
        }
    }

    /// Takes the arrival out of a seat, if one is there and `wanted`; the seat is kept.
    pub(crate) fn take_arrival(
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

    /// The seats of connections that are not sessions.
    pub(crate) fn arrivals(&self) -> Vec<u32> {
        let seats = self.seats.borrow();
        let arrivals = seats.iter().filter(|(_, seat)| matches!(seat, Seat::Arrival(_)));
        arrivals.map(|(key, _)| seat_number(key)).collect()
    }

    /// The seats that are taken now.
    pub(crate) fn taken(&self) -> Vec<u32> {
        self.seats.borrow().iter().map(|(key, _)| seat_number(key)).collect()
    }

    /// Whether somebody waits for what a session says.
    pub(crate) fn are_asking(&self) -> bool {
        let asks = |seat: &Seat| match seat {
            Seat::Arrival(arrival) => matches!(arrival.progress, Progress::Asking(_)),
            _ => false,
        };
        self.seats.borrow().iter().any(|(_, seat)| asks(seat))
    }

    /// Whether nobody is here but connections that wait for a next request.
    pub(crate) fn is_empty(&self) -> bool {
        let is_idle = |seat: &Seat| match seat {
            Seat::Arrival(arrival) => arrival.guard.is_idle(),
            _ => false,
        };
        self.seats.borrow().iter().all(|(_, seat)| is_idle(seat))
    }

    /// Every seat is numbered below this.
    pub(crate) fn end(&self) -> u32 {
        seat_number(self.seats.borrow().capacity())
    }
}

pub(super) fn seat_number(key: usize) -> u32 {
    u32::try_from(key).expect("there are fewer sessions than descriptors")
}
