//! The end of a worker's sessions when the gateway stops.

use std::time::{Duration, Instant};

use protocol::CloseReason;
use tokio::time::{MissedTickBehavior, interval};

use super::slices::in_slices;
use crate::{
    seats::Seats,
    session::{Session, SessionContext},
};

/// How often a drain closes its share of sessions.
const DRAIN_STEP: Duration = Duration::from_millis(50);

/// Closes every session, spread evenly over `period`, and returns when all are gone or have had
/// `grace` to go.
pub(super) async fn drain(seats: &Seats, period: Duration, grace: Duration) {
    let taken = seats.taken();
    let start = Instant::now();
    let mut steps = interval(DRAIN_STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut closed = 0;
    while !seats.is_empty() && start.elapsed() < period + grace {
        let share = match period.is_zero() {
            true => 1.0,
            false => (start.elapsed().as_secs_f64() / period.as_secs_f64()).min(1.0),
        };
        let due = (taken.len() as f64 * share).ceil() as usize;
        in_slices(&taken[closed..due], |seat| seats.turn(*seat, close)).await;
        closed = due;
        steps.tick().await;
    }
}

fn close(session: &mut Session, _: &mut SessionContext) -> bool {
    session.close(CloseReason::Draining);
    false
}
