//! Who is on a worker, and whose turn it is.

use std::{
    io,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::Worker;
use crate::{
    arrivals::Arrival,
    session::{After, Running, Session, SessionContext},
};

/// Who is in a seat. Each in a box, so that the memory of one that is gone can be given back.
pub(super) enum Seat {
    /// Kept for a connection that is being dealt with.
    Kept,
    Arrival(Box<Arrival>),
    Session(Box<Running>),
}

impl Worker {
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

    pub(super) fn free_kept(&self, seat: u32) {
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
    pub(super) fn turn(
        &self,
        seat: u32,
        work: impl FnOnce(&mut Session, &mut SessionContext) -> bool,
    ) {
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
    pub(super) fn guarded<R>(&self, work: impl FnOnce() -> R) -> Option<R> {
        let result = catch_unwind(AssertUnwindSafe(work));
        if result.is_err() {
            self.gateway.metrics.session_panics.inc();
        }
        result.ok()
    }

    /// Takes the arrival out of a seat, if one is there and `wanted`; the seat is kept.
    pub(super) fn take_arrival(
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
}

pub(super) fn seat_number(key: usize) -> u32 {
    u32::try_from(key).expect("there are fewer sessions than descriptors")
}
