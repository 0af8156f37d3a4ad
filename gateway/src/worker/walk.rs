//! A broadcast's walk over the sessions of a worker.

use std::rc::Rc;

use tokio::task::yield_now;

use super::slices::SLICE;
use crate::seats::Seats;

/// Delivers broadcasts, for ever, one after another.
pub(super) async fn walk_broadcasts(seats: Rc<Seats>) {
    let recent = &seats.local.recent;
    loop {
        let message = recent.next().await;
        let mut seat = 0;
        while seat < seats.end() {
            for seat in seat..seat + SLICE as u32 {
                seats.turn(seat, |session, ctx| {
                    session.on_broadcast(message.clone(), ctx);
                    false
                });
            }
            seat += SLICE as u32;
            yield_now().await;
        }
        recent.walked(message.broadcast);
    }
}
