//! Brings fan-outs to the sessions of a worker.

use std::{
    rc::Rc,
    time::{Duration, Instant},
};

use tokio::{task::yield_now, time::sleep};

use super::slices::SLICE;
use crate::{delivery::load::Pace, seats::Seats};

/// How long a walk rests that is only waiting for sessions whose mailboxes are full.
const REST: Duration = Duration::from_millis(1);

/// Walks, for ever.
pub(super) async fn walk(seats: Rc<Seats>) {
    let local = &seats.local;
    let (mut met, mut pace) = (Vec::new(), Pace::default());
    loop {
        local.lane.wait().await;
        let mut last = Instant::now();
        loop {
            let Done { recipients, sessions } = slice(&seats, &mut met);
            yield_now().await;
            let now = Instant::now();
            pace.note(&local.lane.load, recipients, now - last);
            last = now;
            if !local.walks.borrow().is_busy() {
                break;
            }
            if sessions == 0 {
                sleep(REST).await;
            }
        }
    }
}

/// What a slice has done.
#[derive(Default)]
struct Done {
    recipients: u64,
    sessions: usize,
}

/// Meets so many sessions that others must not wait any longer.
fn slice(seats: &Seats, met: &mut Vec<u32>) -> Done {
    let local = &seats.local;
    local.walks.borrow_mut().take_up(&local.lane);
    let (mut left, mut done) = (SLICE, Done::default());
    while left > 0 {
        let Some(mut walk) = local.walks.borrow_mut().next(left, seats.end(), met) else { break };
        let through = walk.through();
        let mut behind = 0;
        for seat in &*met {
            seats.turn(*seat, |session, ctx| {
                if !session.on_walk(through, ctx) {
                    walk.meet_again(*seat);
                    behind += 1;
                }
                false
            });
        }
        // At its end a walk costs something, too.
        left = left.saturating_sub(met.len().max(1));
        let reached = met.len() - behind;
        done.sessions += reached;
        done.recipients +=
            local.walks.borrow_mut().put_back(walk, reached, seats.end(), &local.lane);
    }
    done
}

#[cfg(test)]
mod tests;
