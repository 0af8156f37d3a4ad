//! A broadcast's walk over the sessions of a worker.

use std::rc::Rc;

use actix::Handler;
use tokio::task::yield_now;

use super::slices::SLICE;
use crate::{
    delivery::message::Deliver,
    seats::Seats,
    session::{Session, SessionContext},
};

/// Delivers broadcasts, for ever, one after another.
pub(super) async fn walk_broadcasts(seats: Rc<Seats>) {
    let recent = &seats.local.recent;
    loop {
        let message = recent.next().await;
        let mut seat = 0;
        while seat < seats.end() {
            for seat in seat..seat + SLICE as u32 {
                seats.turn(seat, |session, ctx| broadcast(session, ctx, &message));
            }
            seat += SLICE as u32;
            yield_now().await;
        }
        recent.walked(message.broadcast);
    }
}

/// Delivers a broadcast as if it had come through the mailbox: behind what is in there.
fn broadcast(session: &mut Session, ctx: &mut SessionContext, message: &Deliver) -> bool {
    match ctx.is_behind() {
        true => ctx.send_to_self(message.clone()),
        false => session.handle(message.clone(), ctx),
    }
    false
}
