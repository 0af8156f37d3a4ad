//! What the connections of one thread may cost: how many there may be, how many bytes may be held
//! for them, and how long they may wait. At a limit the one that has waited longest goes, so that
//! who speaks at once always gets in.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::{Context, Poll, Waker},
    time::Instant,
};

use protocol::problem::Problem;
use tokio::sync::Notify;

use crate::{
    counters::Counters,
    ending::{Cause, Ending},
    waits::{Next, Patience, Turn, Wait, Waits},
};

/// Connections above the limit that are let in while every other one has a request in progress,
/// so that health can be asked for.
pub const RESERVE: usize = 16;

/// What a thread's connections may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many there may be.
    pub connections: usize,
    /// Bytes of requests and answers that may be held for them.
    pub bytes: usize,
    /// How long they may wait.
    pub patience: Patience,
}

/// The connections of one thread against their limits.
pub(crate) struct Budget {
    /// The limits.
    pub limits: Limits,
    /// Where it is shown.
    pub counters: Counters,
    waits: RefCell<Waits<Rc<Place>>>,
    /// Connections that were not given up.
    connections: Cell<usize>,
    /// Those, and those that were given up and are not gone yet.
    present: Cell<usize>,
    bytes: Cell<usize>,
    /// Requests in progress.
    requests: Cell<usize>,
    stopping: Cell<bool>,
    /// Told of each connection that leaves, and of each whose request has come.
    moved: Notify,
}

/// One connection's share.
struct Place {
    budget: Rc<Budget>,
    waits: Cell<Option<(Wait, Turn)>>,
    ending: Cell<Option<Ending>>,
    waker: Cell<Option<Waker>>,
    /// Bytes in its own buffer, and those that its request or answer holds.
    held: [Cell<usize>; 2],
    in_request: Cell<bool>,
}

impl Place {
    fn begin_wait(self: &Rc<Self>, wait: Wait, since: Instant) {
        let turn = self.budget.waits.borrow_mut().enter(wait, since, Rc::clone(self));
        self.waits.set(Some((wait, turn)));
    }

    fn held(&self) -> usize {
        self.held.iter().map(Cell::get).sum()
    }
}

/// What a request's handler may ask for: a share of the bytes that are held in the process.
#[derive(Clone)]
pub struct Holding(Rc<Place>);

impl Holding {
    /// Says that the request holds so many bytes now. They are given back with its answer.
    ///
    /// # Errors
    /// There is no room; the problem to answer with.
    pub fn hold(&self, bytes: usize) -> Result<(), Problem> {
        self.0.budget.hold(&self.0, 1, bytes)
    }
}

/// A connection's seat in the budget; it is free again when this is dropped.
pub(crate) struct Seat(Rc<Place>);

impl Budget {
    /// Nothing yet.
    pub(crate) fn new(limits: Limits, counters: Counters) -> Rc<Self> {
        Rc::new(Self {
            limits,
            counters,
            waits: RefCell::default(),
            connections: Cell::new(0),
            present: Cell::new(0),
            bytes: Cell::new(0),
            requests: Cell::new(0),
            stopping: Cell::new(false),
            moved: Notify::new(),
        })
    }

    /// A seat for a newcomer, who waits to be heard from now on. Where there is none, who has waited
    /// longest gives its own, after a moment if that one came just now; where nobody waits, a few are
    /// let in beyond the limit.
    pub(crate) async fn admit(self: &Rc<Self>) -> Option<Seat> {
        while self.connections.get() >= self.limits.connections {
            let next = self.waits.borrow().next_to_go(Instant::now());
            match next {
                Next::Goes(place) => self.give_up(&place, Cause::Room),
                Next::Nobody => break,
                Next::After(until) => {
                    // Or somebody leaves meanwhile, or is heard.
                    let moved = self.moved.notified();
                    let _ = tokio::time::timeout_at(until.into(), moved).await;
                }
            }
        }
        if self.connections.get() >= self.limits.connections + RESERVE || self.is_stopping() {
            self.counters.turned_away.inc();
            return None;
        }
        self.connections.set(self.connections.get() + 1);
        self.present.set(self.present.get() + 1);
        self.counters.connections.inc();
        self.counters.waiting.inc();
        let place = Rc::new(Place {
            budget: Rc::clone(self),
            waits: Cell::default(),
            ending: Cell::default(),
            waker: Cell::default(),
            held: Default::default(),
            in_request: Cell::default(),
        });
        // Others may come before its task runs: it is not taken for one with a request in progress.
        place.begin_wait(Wait::Silent, Instant::now());
        Some(Seat(place))
    }

    /// Gives up who has waited longest; whether there was anybody.
    pub(crate) fn make_room(&self) -> bool {
        let next = self.waits.borrow().next_to_go(Instant::now());
        match next {
            Next::Goes(place) => self.give_up(&place, Cause::Room),
            Next::After(_) | Next::Nobody => return false,
        }
        true
    }

    /// Gives up those whose patience is over.
    pub(crate) fn sweep(&self, now: Instant) {
        loop {
            let late = self.waits.borrow().late(now, &self.limits.patience);
            let Some(place) = late else { return };
            self.give_up(&place, Cause::Late);
        }
    }

    /// Whether more requests are in progress than there may be connections.
    pub(crate) fn is_full_of_requests(&self) -> bool {
        self.requests.get() > self.limits.connections
    }

    /// Whether connections are to be closed as soon as they have their answers.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Closes who has no request in progress; the others end with their answers.
    pub(crate) fn stop(&self) {
        self.stopping.set(true);
        for wait in [Wait::Silent, Wait::Idle] {
            let all = self.waits.borrow().all(wait);
            all.iter().filter_map(|place| place.waker.take()).for_each(Waker::wake);
        }
    }

    /// Waits until every connection is gone.
    pub(crate) async fn emptied(&self) {
        while self.present.get() > 0 {
            self.moved.notified().await;
        }
    }

    fn give_up(&self, place: &Rc<Place>, cause: Cause) {
        let Some((wait, turn)) = place.waits.take() else { return };
        self.waits.borrow_mut().leave(wait, turn);
        let ending = Ending { cause, wait };
        place.ending.set(Some(ending));
        self.connections.set(self.connections.get() - 1);
        self.set_held(place, 0, 0);
        self.set_held(place, 1, 0);
        self.counters.given_up(ending);
        place.waker.take().into_iter().for_each(Waker::wake);
    }

    fn hold(&self, place: &Rc<Place>, part: usize, bytes: usize) -> Result<(), Problem> {
        // A handler's share outlives neither its request nor the connection.
        if place.ending.get().is_some() || part == 1 && !place.in_request.get() {
            return Err(too_much());
        }
        let before = place.held[part].get();
        self.set_held(place, part, bytes);
        while bytes > before && self.bytes.get() > self.limits.bytes {
            let other = |other: &Rc<Place>| other.held() > 0 && !Rc::ptr_eq(other, place);
            let longest = self.waits.borrow().longest_holder(other);
            let Some(longest) = longest else {
                self.set_held(place, part, before);
                return Err(too_much());
            };
            self.give_up(&longest, Cause::Memory);
        }
        Ok(())
    }

    fn set_held(&self, place: &Place, part: usize, bytes: usize) {
        let before = place.held[part].replace(bytes);
        self.bytes.set(self.bytes.get() + bytes - before);
        self.counters.bytes.add(bytes as i64 - before as i64);
    }
}

fn too_much() -> Problem {
    Problem::unavailable("the requests that are held fill the memory that is meant for them")
}

impl Seat {
    /// Takes part in the waiting, from `since` on where it has not done so before. Ready when the
    /// connection has been given up.
    pub(crate) fn poll_wait(
        &self,
        wait: Wait,
        since: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<Ending> {
        let place = &self.0;
        if let Some(ending) = place.ending.get() {
            return Poll::Ready(ending);
        }
        if place.budget.is_stopping() && matches!(wait, Wait::Silent | Wait::Idle) {
            return Poll::Ready(Ending { cause: Cause::Stopping, wait });
        }
        if place.waits.get().is_none_or(|(known, _)| known != wait) {
            self.go_on();
            place.begin_wait(wait, since);
        }
        place.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }

    /// Does not wait any more.
    pub(crate) fn go_on(&self) {
        if let Some((wait, turn)) = self.0.waits.take() {
            self.0.budget.waits.borrow_mut().leave(wait, turn);
        }
    }

    /// Whether and why it was given up.
    pub(crate) fn ending(&self) -> Option<Ending> {
        self.0.ending.get()
    }

    /// Says how large its own buffer is.
    ///
    /// # Errors
    /// There is no room; the problem to answer with.
    pub(crate) fn hold_buffer(&self, bytes: usize) -> Result<(), Problem> {
        match self.0.held[0].get() == bytes {
            true => Ok(()),
            false => self.0.budget.hold(&self.0, 0, bytes),
        }
    }

    /// A request is in progress from now on.
    pub(crate) fn begin_request(&self) -> Holding {
        if !self.0.in_request.replace(true) {
            let budget = &self.0.budget;
            budget.requests.set(budget.requests.get() + 1);
            budget.counters.waiting.dec();
            budget.moved.notify_waiters();
        }
        Holding(Rc::clone(&self.0))
    }

    /// It is answered, and holds nothing any more.
    pub(crate) fn end_request(&self) {
        if self.0.in_request.replace(false) {
            self.0.budget.requests.set(self.0.budget.requests.get() - 1);
            self.0.budget.counters.waiting.inc();
        }
        self.0.budget.set_held(&self.0, 1, 0);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.go_on();
        self.end_request();
        let (place, budget) = (&self.0, &self.0.budget);
        budget.set_held(place, 0, 0);
        if place.ending.get().is_none() {
            budget.connections.set(budget.connections.get() - 1);
        }
        budget.counters.connections.dec();
        budget.counters.waiting.dec();
        budget.present.set(budget.present.get() - 1);
        budget.moved.notify_waiters();
    }
}
