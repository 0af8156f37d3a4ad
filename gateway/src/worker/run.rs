//! The loops of a worker: over sockets that are ready and sessions that were called, and over time.

use std::rc::Rc;

use tokio::task::yield_now;

use super::{Worker, seats::Seat};
use crate::{
    arrivals::{Arrival, Arrivals, Arrived},
    reactor::{Reactor, Ready},
    timer::Timer,
};

impl Worker {
    /// Runs the sessions, for ever.
    pub async fn run_sessions(self: Rc<Self>, mut reactor: Reactor, arrivals: Rc<Arrivals>) {
        let (mut called, mut ready) = (Vec::new(), Vec::new());
        let mut more = false;
        loop {
            let sockets = if !more && self.again.borrow().is_empty() {
                reactor.wait(&self.calls).await
            } else {
                yield_now().await;
                true
            };
            more = sockets && reactor.fetch(&mut ready);
            self.calls.take(&mut called);
            let again = std::mem::take(&mut *self.again.borrow_mut());
            self.in_slices(&called, |seat| self.turn(*seat, |_, _| false)).await;
            self.in_slices(&ready, |(seat, ready)| self.on_ready(*seat, *ready, &arrivals)).await;
            self.in_slices(&again, |seat| self.turn(*seat, |it, ctx| it.read(true, ctx))).await;
            called.clear();
            ready.clear();
        }
    }

    fn on_ready(&self, seat: u32, ready: Ready, arrivals: &Arrivals) {
        match self.take_arrival(seat, |_| ready.readable) {
            Some(arrival) => self.on_first_words(seat, ready.ended, arrival, arrivals),
            None => self.turn(seat, |session, ctx| session.on_ready(ready, ctx)),
        }
    }

    fn on_first_words(&self, seat: u32, ended: bool, arrival: Box<Arrival>, arrivals: &Arrivals) {
        match self.guarded(|| arrivals.receive(arrival, seat)) {
            Some(Arrived::Waiting(arrival)) => {
                self.seats.borrow_mut()[seat as usize] = Seat::Arrival(arrival);
            }
            Some(Arrived::Settled) | None => self.free_kept(seat),
        }
        // Its end was told together with its first words, and will not be told again.
        if ended {
            self.again.borrow_mut().push(seat);
        }
    }

    /// Turns the wheel, for ever; `timer` is one of [`TICK`](crate::wheel::TICK).
    pub async fn keep_time(self: Rc<Self>, mut timer: Timer, arrivals: Rc<Arrivals>) {
        while timer.next().await.is_ok() {
            let now = self.gateway.clock.tick_now();
            while self.tick.get() < now {
                let tick = self.tick.get() + 1;
                self.tick.set(tick);
                let noted = self.wheel.borrow_mut().take(tick);
                self.in_slices(&noted, |seat| self.on_tick(*seat, tick, &arrivals)).await;
            }
            self.recent.forget();
        }
    }

    fn on_tick(&self, seat: u32, tick: u32, arrivals: &Arrivals) {
        self.turn(seat, |session, ctx| session.on_tick(tick, ctx));
        let Some(mut arrival) = self.take_arrival(seat, |arrival| arrival.due == tick) else {
            return;
        };
        if arrival.deadline > tick {
            arrival.schedule(seat, self);
            self.seats.borrow_mut()[seat as usize] = Seat::Arrival(arrival);
            return;
        }
        // A busy worker may not have come to read what the client said in time; one that was
        // silent all the while is not worth an answer.
        self.on_first_words(seat, false, arrival, arrivals);
        drop(self.take_arrival(seat, |_| true));
        self.free_kept(seat);
    }
}
