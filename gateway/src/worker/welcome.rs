//! What a worker does for connections that are not sessions.

use super::slices::in_slices;
use crate::{
    entrance::{
        arrivals::{Arrivals, Arrived},
        leaving::Reason,
    },
    runtime::wheel::NEVER,
    seats::{Arrival, Progress, Seats},
};

/// The connection in a seat can be read.
pub(super) fn on_words(seats: &Seats, seat: u32, arrival: Box<Arrival>, arrivals: &Arrivals) {
    settle(seats, seat, seats.guarded(|| arrivals.receive(arrival, seat)));
    make_room(seats, arrivals);
}

/// It is the turn of the handshake in a seat.
pub(super) fn on_turn(seats: &Seats, seat: u32, arrivals: &Arrivals) {
    let is_deferred = |arrival: &Arrival| arrival.is_deferred();
    let Some(mut arrival) = seats.take_arrival(seat, is_deferred) else { return };
    arrival.start_turn();
    on_words(seats, seat, arrival, arrivals);
    // Its end may have been told meanwhile, and will not be told again.
    seats.again(seat);
}

/// Something has called the seat; true if it is a connection's, which then has what it waited for.
pub(super) fn on_call(seats: &Seats, seat: u32, arrivals: &Arrivals) -> bool {
    let asks = |arrival: &Arrival| matches!(arrival.progress, Progress::Asking(_));
    let Some(arrival) = seats.take_arrival(seat, asks) else { return false };
    settle(seats, seat, seats.guarded(|| arrivals.pass_on(arrival, seat)));
    true
}

/// A tick in which the connection in a seat may be due.
pub(super) fn on_tick(seats: &Seats, seat: u32, tick: u32, arrivals: &Arrivals) {
    let Some(mut arrival) = seats.take_arrival(seat, |arrival| arrival.due == tick) else { return };
    if arrival.deadline > tick {
        arrival.due = NEVER;
        return seats.put_back(seat, arrival);
    }
    dismiss(seats, seat, arrival, Reason::Deadline, arrivals);
}

/// Has those go that are too many, or keep too much. Whoever has just come is never among them.
pub(super) fn make_room(seats: &Seats, arrivals: &Arrivals) {
    let pending = arrivals.pending();
    let beyond_places = || pending.beyond_places().map(|seat| (seat, Reason::Places));
    let beyond_bytes = || pending.beyond_bytes().map(|seat| (seat, Reason::Bytes));
    while let Some((seat, reason)) = beyond_places().or_else(beyond_bytes) {
        // Whoever is counted has a seat, and is taken out of it only to be looked at.
        let Some(arrival) = seats.take_arrival(seat, |_| true) else { return };
        dismiss(seats, seat, arrival, reason, arrivals);
    }
}

/// Has all of them go.
pub(super) async fn clear(seats: &Seats, arrivals: &Arrivals) {
    let clear = |seat: &u32| {
        // Those that ask sessions wait for what these say last.
        if let Some(arrival) = seats.take_arrival(*seat, |arrival| !arrival.guard.is_pollers()) {
            dismiss(seats, *seat, arrival, Reason::Draining, arrivals);
        }
    };
    in_slices(&seats.arrivals(), clear).await;
}

/// Gives up a connection, unless it turns out to have said enough: a busy worker may not have come
/// to read it.
fn dismiss(seats: &Seats, seat: u32, arrival: Box<Arrival>, reason: Reason, arrivals: &Arrivals) {
    let dismissed = seats.guarded(|| match arrivals.receive(arrival, seat) {
        Arrived::Waiting(arrival) => arrivals.give_up(arrival, reason),
        settled => settled,
    });
    settle(seats, seat, dismissed);
}

pub(super) fn settle(seats: &Seats, seat: u32, arrived: Option<Arrived>) {
    match arrived {
        Some(Arrived::Waiting(arrival)) => seats.put_back(seat, arrival),
        Some(Arrived::Joined(runner)) => seats.seat(seat, runner),
        Some(Arrived::Gone) | None => seats.free_kept(seat),
    }
}
