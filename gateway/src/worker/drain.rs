//! The end of a worker's sessions when the gateway stops.

use std::time::{Duration, Instant};

use protocol::CloseReason;
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};

use super::slices::in_slices;
use crate::seats::Seats;

/// How often a drain closes its share of sessions.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// How long it takes at most to close those that another process could not take over.
const LEFT_BEHIND: Duration = Duration::from_secs(5);

/// How often, and how many times at most, it is looked whether who waits for a session's answer has it.
const LOOK: Duration = Duration::from_millis(2);
const MOST_LOOKS: usize = 250;

/// How a gateway comes to its end. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// It does not.
    NotYet,
    /// Sessions are closed one after another.
    Draining,
    /// The same for those that another process could not take over, soon: pushes go to that one.
    Left,
    /// At once.
    Now,
}

/// Ends every session as `end` says, and returns when all are gone, have had `grace` to go, or there
/// is no time for that.
pub(super) async fn end_sessions(
    seats: &Seats,
    mut end: watch::Receiver<End>,
    period: Duration,
    grace: Duration,
) {
    let period = if *end.borrow() == End::Left { period.min(LEFT_BEHIND) } else { period };
    let at_once = async {
        // Who could say so is gone together with whoever waits for this.
        let _ = end.wait_for(|end| *end == End::Now).await;
    };
    tokio::select! {
        biased;
        () = at_once => {
            close(seats, &seats.taken(), CloseReason::GoingAway).await;
            answers_given(seats).await;
        }
        () = drain(seats, period, grace) => {}
    }
}

/// Waits for a moment until those that wait for what a session says have been told.
async fn answers_given(seats: &Seats) {
    for _ in 0..MOST_LOOKS {
        if !seats.are_asking() {
            return;
        }
        sleep(LOOK).await;
    }
}

/// Closes every session, spread evenly over `period`. A worker that is held up says goodbye to all of
/// them all the same, however late, and then gives them their time to go.
async fn drain(seats: &Seats, period: Duration, grace: Duration) {
    let taken = seats.taken();
    let start = Instant::now();
    let mut steps = interval(DRAIN_STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut closed, mut told) = (0, None);
    while !seats.is_empty() && told.is_none_or(|told: Instant| told.elapsed() < grace) {
        let share = match period.is_zero() {
            true => 1.0,
            false => (start.elapsed().as_secs_f64() / period.as_secs_f64()).min(1.0),
        };
        let due = (taken.len() as f64 * share).ceil() as usize;
        close(seats, &taken[closed..due], CloseReason::Draining).await;
        closed = due;
        if closed == taken.len() {
            told.get_or_insert_with(Instant::now);
        }
        steps.tick().await;
    }
}

async fn close(seats: &Seats, taken: &[u32], reason: CloseReason) {
    let goodbye = |seat: &u32| {
        seats.turn(*seat, |session, _| {
            session.close(reason);
            false
        });
    };
    in_slices(taken, goodbye).await;
}
