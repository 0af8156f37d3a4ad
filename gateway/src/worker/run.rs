//! The loops of a worker: over sockets that are ready and sessions that were called, and over time.

use std::rc::Rc;

use tokio::task::yield_now;
use tracing::debug;

use super::{slices::in_slices, welcome};
use crate::{
    entrance::arrivals::Arrivals,
    runtime::{
        reactor::{Reactor, Ready},
        timer::Timer,
    },
    seats::{Arrival, Seats},
    session::{Session, SessionContext},
};

/// Runs the sessions, for ever.
pub(super) async fn run_sessions(seats: Rc<Seats>, mut reactor: Reactor, arrivals: Rc<Arrivals>) {
    let (mut called, mut ready) = (Vec::new(), Vec::new());
    let mut more = false;
    loop {
        let sockets = if !more && !seats.has_again() && !seats.has_deferred() {
            reactor.wait(&seats.local.calls).await
        } else {
            yield_now().await;
            true
        };
        more = sockets && reactor.fetch(&mut ready);
        seats.local.calls.take(&mut called);
        let again = seats.take_again();
        in_slices(&called, |seat| {
            if !welcome::on_call(&seats, *seat, &arrivals) {
                seats.turn(*seat, |_, _| false);
            }
        })
        .await;
        in_slices(&ready, |(seat, ready)| {
            seats.step(*seat, || on_ready(&seats, *seat, *ready, &arrivals));
        })
        .await;
        in_slices(&again, |seat| seats.turn(*seat, |it, ctx| it.read(true, ctx))).await;
        shake_hands(&seats, &arrivals);
        called.clear();
        ready.clear();
    }
}

/// Goes on with handshakes of TLS, those first that have waited longest, as long as there is time for them.
fn shake_hands(seats: &Seats, arrivals: &Arrivals) {
    let budget = &seats.local.handshaking;
    budget.begin();
    while budget.has_time()
        && let Some(seat) = seats.take_deferred()
    {
        seats.step(seat, || welcome::on_turn(seats, seat, arrivals));
    }
    budget.end();
}

fn on_ready(seats: &Seats, seat: u32, ready: Ready, arrivals: &Arrivals) {
    let wanted = |arrival: &Arrival| ready.readable || arrival.is_told();
    match seats.take_arrival(seat, wanted) {
        Some(arrival) => {
            welcome::on_words(seats, seat, arrival, arrivals);
            // Its end was told together with its first words, and will not be told again.
            if ready.ended {
                seats.again(seat);
            }
        }
        None => seats.turn(seat, |session, ctx| session.on_ready(ready, ctx)),
    }
}

/// Turns the wheel, for ever; `timer` is one of [`TICK`](crate::runtime::wheel::TICK).
pub(super) async fn keep_time(seats: Rc<Seats>, mut timer: Timer, arrivals: Rc<Arrivals>) {
    let local = &seats.local;
    while timer.next().await.is_ok() {
        if local.was_wall_clock_set() {
            on_wall_clock_set(&seats).await;
        }
        let now = local.clock.tick_now();
        while local.tick() < now {
            let (tick, noted) = local.next_tick();
            in_slices(&noted, |seat| {
                seats.step(*seat, || on_tick(&seats, *seat, tick, &arrivals));
            })
            .await;
        }
        in_slices(&local.relief(), |given_up| seats.give_up(*given_up)).await;
    }
}

/// Makes room for pushes as soon as one waits for it, for ever.
pub(super) async fn make_room(seats: Rc<Seats>) {
    let local = &seats.local;
    loop {
        local.push_memory.room_wanted().await;
        in_slices(&local.relief(), |given_up| seats.give_up(*given_up)).await;
    }
}

/// Has every session find out anew when its token ends.
async fn on_wall_clock_set(seats: &Seats) {
    debug!("the wall clock was set");
    let find_out = |session: &mut Session, _: &mut SessionContext| {
        session.schedule();
        false
    };
    in_slices(&seats.taken(), |seat| seats.turn(*seat, find_out)).await;
}

fn on_tick(seats: &Seats, seat: u32, tick: u32, arrivals: &Arrivals) {
    seats.turn(seat, |session, ctx| session.on_tick(tick, ctx));
    welcome::on_tick(seats, seat, tick, arrivals);
}
