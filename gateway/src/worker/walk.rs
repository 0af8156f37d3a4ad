//! A broadcast's walk over the sessions of a worker.

use std::rc::Rc;

use actix::Handler;
use tokio::task::yield_now;

use super::{SLICE, Worker};
use crate::{
    deliver::Deliver,
    session::{Session, SessionContext},
};

impl Worker {
    /// Delivers broadcasts, for ever, one after another.
    pub async fn walk_broadcasts(self: Rc<Self>) {
        loop {
            let message = self.recent.next().await;
            let mut seat = 0;
            while seat < self.end() {
                for seat in seat..seat + SLICE as u32 {
                    self.turn(seat, |session, ctx| broadcast(session, ctx, &message));
                }
                seat += SLICE as u32;
                yield_now().await;
            }
            self.recent.walked(message.broadcast);
        }
    }

    /// Every seat is numbered below this.
    fn end(&self) -> u32 {
        self.seats.borrow().capacity() as u32
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
