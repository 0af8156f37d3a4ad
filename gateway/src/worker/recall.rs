//! Asks sessions of a worker to come back, as operators order it: those first that have been silent for longest.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::yield_now,
    time::{MissedTickBehavior, interval},
};

use super::slices::SLICE;
use crate::{access::recalls::Order, seats::Seats, session::Idleness};

/// How often a worker looks how many may go.
const STEP: Duration = Duration::from_millis(20);

/// Carries out orders, until the gateway is dropped.
pub(super) async fn obey(seats: &Seats, mut orders: watch::Receiver<Option<Arc<Order>>>) {
    while orders.changed().await.is_ok() {
        let order = orders.borrow_and_update().clone();
        if let Some(order) = order {
            carry_out(seats, &order).await;
            order.worker_done();
        }
    }
}

async fn carry_out(seats: &Seats, order: &Order) {
    let worker = seats.local.lane.worker;
    let (mut asked, share) = (0, order.share(worker));
    let mut candidates = candidates(seats).await;
    let mut steps = interval(STEP);
    steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while asked < share && !order.is_over() {
        steps.tick().await;
        let mut left = order.due(worker).saturating_sub(asked);
        while left > 0 {
            let claimed = order.claim(left.min(SLICE));
            let count = ask(seats, &mut candidates, claimed, order);
            order.give_back(claimed - count);
            asked += count;
            match count {
                0 if claimed > 0 => return,
                0 => break,
                count => left -= count,
            }
            yield_now().await;
        }
    }
}

/// The seats of a worker, in classes of how long their sessions have been silent, the most silent last.
type Candidates = [Vec<u32>; Idleness::CLASSES];

/// Looks at every session once, in slices. Which of two in one class goes first does not matter.
async fn candidates(seats: &Seats) -> Candidates {
    let mut candidates = Candidates::default();
    for slice in seats.taken().chunks(SLICE) {
        for seat in slice {
            let mut class = None;
            seats.turn(*seat, |session, _| {
                class = session.idleness();
                false
            });
            if let Some(Idleness(class)) = class {
                candidates[class].push(*seat);
            }
        }
        yield_now().await;
    }
    candidates
}

/// Asks so many of them, if there are as many that are still there; how many it were.
fn ask(seats: &Seats, candidates: &mut Candidates, most: usize, order: &Order) -> usize {
    let mut asked = 0;
    while asked < most {
        let Some(seat) = candidates.iter_mut().rev().find_map(Vec::pop) else { break };
        seats.turn(seat, |session, _| {
            asked += usize::from(session.recall(order.given_at));
            false
        });
    }
    asked
}
