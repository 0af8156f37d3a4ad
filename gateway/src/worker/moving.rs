//! A worker's part in a takeover: it stands still, gives what it holds to the successor, and goes on if nothing comes
//! of it; and a worker's share of what the process before this one held.
//!
//! While it stands still its thread is blocked, so that nothing of it can be served, whoever calls. What the steps are
//! is known to the thread that leads, which lets go of everybody on every path.

use std::{
    cell::Cell,
    collections::HashMap,
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, OwnedFd},
    rc::Rc,
    sync::{Arc, Barrier, mpsc::SyncSender},
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::warn;

use super::welcome;
use crate::{
    access::admission::Admission,
    delivery::frame::SharedFrame,
    entrance::{
        arrivals::Arrivals,
        moving::{Tickets, record},
    },
    handover::{
        giver::{Failure, Gathered, Giver},
        records::{ArrivalRecord, SessionRecord},
    },
    runtime::wheel::NEVER,
    seats::{Occupant, Seats},
    session::{Resumed, Runner},
};

/// Turns in which a session has to come to the end of its mailbox; what fills it has come to its end before.
const MOST_TURNS: usize = 1 << 20;

/// What workers do together, one step after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Stand still.
    Gather,
    /// Have each session do what it was called for.
    Settle,
    /// Answer connections that are none.
    Answer,
    /// One after another, give what you hold: it is this worker's turn.
    Give(usize),
    /// It is the successor's; forget it.
    Forget,
    /// Nothing comes of it; go on.
    Abandoned,
}

struct State {
    step: Step,
    /// How many have done it.
    done: usize,
    failure: Option<Failure>,
}

/// One try to give everything to a successor.
pub(crate) struct Handover {
    workers: usize,
    state: Mutex<State>,
    changed: Condvar,
    /// The way to the successor, for whose turn it is.
    pub giver: Mutex<Giver>,
}

impl Handover {
    /// Workers are to gather.
    pub(crate) fn new(workers: usize, giver: Giver) -> Arc<Self> {
        let state = Mutex::new(State { step: Step::Gather, done: 0, failure: None });
        Arc::new(Self { workers, state, changed: Condvar::new(), giver: Mutex::new(giver) })
    }

    /// Begins a step. What is over stays so.
    pub(crate) fn begin(&self, step: Step) {
        let mut state = self.state.lock();
        if state.step < Step::Forget {
            state.step = step;
            state.done = 0;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until all have done their step, or the one whose turn it is.
    ///
    /// # Errors
    /// One of them could not, or it took too long.
    pub(crate) fn done(&self, until: Instant) -> Result<(), Failure> {
        let mut state = self.state.lock();
        let wanted = if let Step::Give(_) = state.step { 1 } else { self.workers };
        loop {
            if let Some(failure) = state.failure.take() {
                return Err(failure);
            }
            if state.done >= wanted {
                return Ok(());
            }
            if self.changed.wait_until(&mut state, until).timed_out() {
                return Err(Failure::Own("the workers did not come to a stand in time"));
            }
        }
    }

    fn is_done(&self, result: Result<(), Failure>) {
        let mut state = self.state.lock();
        state.done += 1;
        state.failure = state.failure.take().or(result.err());
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for a step, or one that ends it all; which of them it is.
    fn wait_for(&self, step: Step) -> Step {
        let mut state = self.state.lock();
        while state.step != step && state.step < Step::Forget {
            self.changed.wait(&mut state);
        }
        state.step
    }
}

/// Takes part in every handover, for ever.
pub(super) async fn give_away(
    seats: Rc<Seats>,
    arrivals: Rc<Arrivals>,
    mut handovers: UnboundedReceiver<Arc<Handover>>,
) {
    while let Some(handover) = handovers.recv().await {
        let (part, steps) = (Part { seats: &seats, arrivals: &arrivals }, &*handover);
        part.take(steps);
    }
    // Nobody leads any more.
    std::future::pending::<()>().await;
}

struct Part<'a> {
    seats: &'a Rc<Seats>,
    arrivals: &'a Arrivals,
}

impl Part<'_> {
    /// Blocks the thread until it is known who goes on.
    fn take(&self, handover: &Handover) {
        let worker = self.seats.local.lane.worker;
        handover.is_done(Ok(()));
        if handover.wait_for(Step::Settle) == Step::Settle {
            self.settle();
            handover.is_done(Ok(()));
        }
        if handover.wait_for(Step::Answer) == Step::Answer {
            self.answer();
            handover.is_done(Ok(()));
        }
        let mut given = Vec::new();
        if handover.wait_for(Step::Give(worker)) == Step::Give(worker) {
            let result = self.give(&mut handover.giver.lock(), &mut given);
            handover.is_done(result);
        }
        match handover.wait_for(Step::Forget) {
            Step::Forget => {
                self.seats.forget(&given);
                handover.is_done(Ok(()));
            }
            _ => self.go_on(),
        }
    }

    /// Has each session empty its mailbox and catch up on fan-outs, so that nothing of it is anywhere else.
    fn settle(&self) {
        let through = self.seats.local.fan_out.last();
        for seat in self.seats.taken() {
            for _ in 0..MOST_TURNS {
                let is_behind = Cell::new(false);
                self.seats.turn(seat, |session, context| {
                    is_behind.set(!session.on_walk(through, context));
                    session.let_go_of_receipts();
                    false
                });
                if !is_behind.get() {
                    break;
                }
            }
        }
    }

    /// Tells connections what sessions have said, which say no more.
    fn answer(&self) {
        for seat in self.seats.arrivals() {
            let Some(arrival) = self.seats.take_arrival(seat, |_| true) else { continue };
            let told = self.seats.guarded(|| self.arrivals.answer_before_leaving(arrival));
            welcome::settle(self.seats, seat, told);
        }
    }

    /// Gives everybody who can go.
    fn give(&self, giver: &mut Giver, given: &mut Vec<u32>) -> Result<(), Failure> {
        let clock = self.seats.local.clock;
        self.seats.show(|occupants| {
            let mut gathered = Gathered::default();
            for (seat, occupant) in occupants {
                match occupant {
                    Occupant::Session(runner) => {
                        let Some((record, socket)) = runner.record(&mut giver.frames) else {
                            continue;
                        };
                        gathered.session(giver, record, socket)?;
                    }
                    // Its keys stay here; it is dismissed with those that drain.
                    Occupant::Arrival(arrival) if arrival.tls.is_some() => continue,
                    Occupant::Arrival(arrival) => {
                        let left = (arrival.deadline != NEVER)
                            .then(|| clock.millis_until(arrival.deadline));
                        let client =
                            self.seats.local.addresses.borrow().get(seat).map(SocketAddr::from);
                        let record = record(arrival, client, left);
                        gathered.arrival(giver, record, arrival.socket.as_fd())?;
                    }
                }
                given.push(seat);
            }
            gathered.give(giver)
        })
    }

    /// Goes on with what was left for the successor.
    fn go_on(&self) {
        for seat in self.seats.arrivals() {
            let wanted = |arrival: &crate::seats::Arrival| arrival.has_words() || arrival.is_told();
            if let Some(arrival) = self.seats.take_arrival(seat, wanted) {
                let acted = self.seats.guarded(|| self.arrivals.act(arrival, seat));
                welcome::settle(self.seats, seat, acted);
            }
        }
    }
}

/// What all workers share of what the process before this one held.
pub(crate) struct Shares {
    frames: HashMap<u64, SharedFrame>,
    tickets: Tickets,
    /// Passed when every session has its seat.
    seated: Barrier,
    admission: Arc<Admission>,
    /// Told when a worker has taken up its share: how many sessions.
    told: SyncSender<usize>,
}

impl Shares {
    /// For so many workers, each of which says to `told` when it has what is its.
    pub(crate) fn new(
        workers: usize,
        frames: HashMap<u64, SharedFrame>,
        admission: &Arc<Admission>,
        told: SyncSender<usize>,
    ) -> Arc<Self> {
        let (seated, admission) = (Barrier::new(workers), Arc::clone(admission));
        Arc::new(Self { frames, tickets: Tickets::default(), seated, admission, told })
    }
}

/// One worker's share.
pub(crate) struct Share {
    /// What is common to all.
    pub shares: Arc<Shares>,
    /// Sessions.
    pub sessions: Vec<(SessionRecord, Option<OwnedFd>)>,
    /// Connections that are none.
    pub arrivals: Vec<(ArrivalRecord, OwnedFd)>,
}

impl Share {
    /// Gives everybody a seat, and their first turn.
    pub(super) fn take_up(self, seats: &Rc<Seats>, arrivals: &Arrivals) {
        let Self { shares, sessions, arrivals: others } = self;
        let mut count = 0;
        for (record, socket) in sessions {
            count += usize::from(seat_session(seats, &shares, record, socket.map(TcpStream::from)));
        }
        // A request may be for a session of another worker.
        shares.seated.wait();
        for (record, socket) in others {
            let socket = TcpStream::from(socket);
            let Ok(seat) = seats.keep(Some(&socket)) else { continue };
            let resume = || arrivals.resume(record, socket, seat, &shares.tickets);
            welcome::settle(seats, seat, seats.guarded(resume));
        }
        // Whoever waits for it has given up waiting.
        let _ = shares.told.send(count);
    }
}

fn seat_session(
    seats: &Rc<Seats>,
    shares: &Shares,
    record: SessionRecord,
    socket: Option<TcpStream>,
) -> bool {
    let (id, poller, wait) = (record.id, record.poller.clone(), record.ping_ms);
    let seat = match seats.keep(socket.as_ref()) {
        Ok(seat) => seat,
        Err(error) => {
            warn!(session = %id, %error, "a session cannot be taken over; its connection ends");
            return false;
        }
    };
    let permit = shares.admission.take_over();
    let resumed = Resumed { record, socket, frames: &shares.frames, permit };
    let runner = seats.guarded(|| Runner::resume(&seats.local, seat, resumed)).flatten();
    let is_here = runner.is_some();
    if let Some(runner) = runner {
        if let Some((ticket, answers)) = poller.and_then(|it| Some((it.ticket?, it.answers))) {
            shares.tickets.enter(ticket, runner.address(), answers, wait);
        }
        seats.seat(seat, runner);
    }
    seats.free_kept(seat);
    is_here
}

/// How long a worker may take for its share: some hundred thousand sessions.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixStream, thread};

    use super::*;
    use crate::handover::channel::Channel;

    fn handover(workers: usize) -> Arc<Handover> {
        let (socket, _other) = UnixStream::pair().expect("a pair");
        Handover::new(workers, Giver::new(Channel::new(socket).expect("a channel")))
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn workers_do_each_step_together_and_are_let_go() {
        let handover = handover(2);
        let step = |step| {
            let worker = Arc::clone(&handover);
            thread::spawn(move || {
                worker.is_done(Ok(()));
                let came = worker.wait_for(step);
                worker.is_done(Ok(()));
                came
            })
        };
        let workers = [step(Step::Settle), step(Step::Settle)];
        handover.done(soon()).expect("gathered");
        handover.begin(Step::Settle);
        handover.done(soon()).expect("settled");
        let came = workers.map(|worker| worker.join().expect("no panic"));
        assert_eq!(came, [Step::Settle; 2]);
        handover.begin(Step::Abandoned);
        assert_eq!(handover.wait_for(Step::Give(0)), Step::Abandoned);
        // What is over stays so.
        handover.begin(Step::Give(1));
        assert_eq!(handover.wait_for(Step::Give(1)), Step::Abandoned);
    }

    #[test]
    fn one_that_fails_or_does_not_come_ends_it() {
        let handover = handover(2);
        handover.is_done(Ok(()));
        assert!(handover.done(Instant::now()).is_err(), "one is missing");
        handover.is_done(Err(Failure::Own("why")));
        let failure = handover.done(soon()).expect_err("it failed");
        assert_eq!(failure.to_string(), "why");
        handover.begin(Step::Give(1));
        handover.is_done(Ok(()));
        handover.done(soon()).expect("it was one's turn");
    }
}
