//! Who is on a thread, to be given to another process, and who comes from one.

use std::{io, net::TcpStream, os::fd::AsFd};

use super::{
    arrival::Arrival,
    table::{Seat, Seats, seat_number},
};
use crate::session::Runner;

/// Who is in a seat.
pub(crate) enum Occupant<'a> {
    /// A connection that is not a session.
    Arrival(&'a Arrival),
    /// A session.
    Session(&'a Runner),
}

impl Seats {
    /// Shows everybody to `look`, with their seats, until it has seen enough.
    ///
    /// # Errors
    /// Those of `look`.
    pub(crate) fn show<R>(
        &self,
        look: impl FnOnce(&mut dyn Iterator<Item = (u32, Occupant<'_>)>) -> R,
    ) -> R {
        let seats = self.seats.borrow();
        let mut occupants = seats.iter().filter_map(|(key, seat)| {
            let occupant = match seat {
                Seat::Kept => return None,
                Seat::Arrival(arrival) => Occupant::Arrival(arrival),
                Seat::Session(runner) => Occupant::Session(runner),
            };
            Some((seat_number(key), occupant))
        });
        look(&mut occupants)
    }

    /// Frees the seats of those that another process has. Their connections go on.
    pub(crate) fn forget(&self, given: &[u32]) {
        for seat in given {
            let gone = self.seats.borrow_mut().try_remove(*seat as usize);
            let socket = match &gone {
                Some(Seat::Arrival(arrival)) => Some(arrival.socket.as_fd()),
                Some(Seat::Session(runner)) => runner.connection(),
                Some(Seat::Kept) | None => None,
            };
            socket.into_iter().for_each(|socket| self.sockets.forget(socket));
            drop(gone);
        }
    }

    /// Keeps a seat for a connection of another process, which is waited for from now on.
    ///
    /// # Errors
    /// The kernel has no room to wait for the connection.
    pub(crate) fn keep(&self, socket: Option<&TcpStream>) -> io::Result<u32> {
        let seat = seat_number(self.seats.borrow_mut().insert(Seat::Kept));
        let watched = socket.map_or(Ok(()), |socket| self.sockets.watch(socket, seat));
        match watched {
            Ok(()) => Ok(seat),
            Err(error) => {
                self.free_kept(seat);
                Err(error.into())
            }
        }
    }
}
