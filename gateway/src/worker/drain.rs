//! The end of a worker's sessions when the gateway stops.

use std::time::{Duration, Instant};

use protocol::CloseReason;
use tokio::time::{MissedTickBehavior, interval};

use super::{
    Worker,
    seats::{Seat, seat_number},
};
use crate::session::{Session, SessionContext};

/// How often a drain closes its share of sessions.
const DRAIN_STEP: Duration = Duration::from_millis(50);

impl Worker {
    /// Closes every session, spread evenly over `period`, and returns when all are gone or have
    /// had `grace` to go.
    pub async fn drain(&self, period: Duration, grace: Duration) {
        self.seats.borrow_mut().retain(|_, seat| !matches!(seat, Seat::Arrival(_)));
        let seats: Vec<_> = self.seats.borrow().iter().map(|(key, _)| seat_number(key)).collect();
        let start = Instant::now();
        let mut steps = interval(DRAIN_STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut closed = 0;
        while !self.seats.borrow().is_empty() && start.elapsed() < period + grace {
            let share = match period.is_zero() {
                true => 1.0,
                false => (start.elapsed().as_secs_f64() / period.as_secs_f64()).min(1.0),
            };
            let due = (seats.len() as f64 * share).ceil() as usize;
            self.in_slices(&seats[closed..due], |seat| self.turn(*seat, drain)).await;
            closed = due;
            steps.tick().await;
        }
    }
}

fn drain(session: &mut Session, _: &mut SessionContext) -> bool {
    session.close(CloseReason::Draining);
    false
}
