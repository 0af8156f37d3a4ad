//! A session that is asked by requests: it outlives each of them, and what it has to say waits for the next.

use std::{rc::Rc, time::Duration};

use actix::{Handler, Message};
use protocol::{CloseReason, Device, problem::Problem, receipt::Outcome};

use super::{
    context::SessionContext,
    poller::{Asked, Poller},
    posted::not_here,
    reply::{Reply, Said},
    state::{Address, Session, Stage},
};
use crate::{
    delivery::message::Push,
    directory::polls::{Owner, Proof},
    http::client_address::ClientAddress,
};

/// A client asks what there is.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Polled {
    /// How many answers it has seen.
    pub seen: u32,
    /// How long it waits.
    pub wait: Duration,
    /// Where the request came from, if that is known here.
    pub peer: Option<ClientAddress>,
    /// Whose session it must be, where that was not found out before.
    pub owner: Option<Owner>,
    /// What has proved that.
    pub proof: Option<Proof>,
    /// When the token ends that it came with: seconds since the Unix epoch.
    pub expires: Option<u64>,
    /// Who waits.
    pub reply: Reply,
}

impl Handler<Polled> for Session {
    type Result = ();

    fn handle(&mut self, polled: Polled, _: &mut SessionContext) {
        self.on_polled(polled);
    }
}

/// The request that a session holds may have lost its client.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Abandoned;

impl Handler<Abandoned> for Session {
    type Result = ();

    fn handle(&mut self, _: Abandoned, _: &mut SessionContext) {
        let is_left = self.with_poller(Poller::note_left) == Some(true);
        if is_left && self.stage < Stage::Closing {
            self.expect_poll();
        }
    }
}

/// The session that a client asks has ended.
pub(crate) fn expired() -> Problem {
    let detail = "the session has ended: begin a new one, with what was seen last";
    Problem::new(410, "Gone", detail).coded("expired")
}

impl Session {
    /// Enters the tables of those who ask.
    pub(super) fn enter_pollers(&self, device: Option<&Device>, address: &Address) {
        let local = self.local();
        let Some(user) = &self.member.user else { return };
        let owner = local.directory.polls.owner(user, device);
        local.pollers.borrow_mut().insert(self.member.seat, Box::new(Poller::new(owner)));
        local.directory.polls.enter(self.member.id, address.clone());
    }

    /// Whether it is asked by requests, and has no connection of its own.
    pub(super) fn is_polled(&self) -> bool {
        self.socket.is_none()
    }

    fn with_poller<R>(&self, work: impl FnOnce(&mut Poller) -> R) -> Option<R> {
        self.local().pollers.borrow_mut().get_mut(&self.member.seat).map(|poller| work(poller))
    }

    /// Takes a request, and answers it when there is something to say, which may be now.
    pub(crate) fn on_polled(&mut self, polled: Polled) {
        match self.admit(&polled) {
            Ok(asked) => self.hold_poll(asked, polled.wait, polled.reply),
            Err(problem) => polled.reply.give(Err(problem)),
        }
    }

    /// Checks a request, and forgets what its client has seen.
    fn admit(&mut self, polled: &Polled) -> Result<Asked, Problem> {
        let Polled { seen, peer, owner, proof, expires, .. } = *polled;
        if self.stage == Stage::Gone {
            return Err(expired());
        }
        let is_own = |poller: &mut Poller| owner.is_none_or(|owner| owner == poller.owner);
        if self.with_poller(is_own) != Some(true) {
            return Err(not_here());
        }
        if let Some(proof) = proof {
            self.local().directory.polls.proved(self.member.id, proof);
        }
        let is_kept = self.rare.as_ref().is_some_and(|rare| rare.outbound.has_shown());
        let asked = self.with_poller(|poller| {
            poller.seen_at(peer);
            poller.asked(seen, is_kept)
        });
        let asked = asked.filter(|it| *it != Asked::Unknown).ok_or_else(|| never_answered(seen))?;
        let has_seen_more = asked == Asked::Next && is_kept;
        if has_seen_more && let Some(rare) = &mut self.rare {
            rare.outbound.forget_shown();
        }
        // One that has seen something new was called for by it, and the first begins the session.
        if !has_seen_more && (asked == Asked::Again || seen > 0) {
            self.take_allowance();
        }
        if self.stage == Stage::Closing && !self.has_outbound() {
            // It has read why.
            self.end(CloseReason::ClientLeft);
            return Err(expired());
        }
        self.prolong(expires);
        Ok(asked)
    }

    fn hold_poll(&mut self, asked: Asked, wait: Duration, reply: Reply) {
        self.with_poller(|poller| poller.hold(reply));
        if self.stage < Stage::Closing {
            self.ping_due = self.local().clock.tick_after(wait);
            self.schedule();
        }
        if asked == Asked::Again {
            self.answer_again();
        }
        if wait.is_zero() && self.stage < Stage::Closing {
            self.answer_at_once();
        }
    }

    /// Answers a request that does not want to wait.
    fn answer_at_once(&mut self) {
        self.answer_poll();
        if let Some(Some(held)) = self.with_poller(Poller::take_held) {
            held.give(Ok(Said::Nothing));
            self.expect_poll();
        }
    }

    /// A request counts as a frame does.
    fn take_allowance(&mut self) {
        let local = Rc::clone(&self.member.local);
        self.allowance.refill(&local.settings, local.tick());
        if self.stage < Stage::Closing && !self.allowance.take_frame() {
            self.give_up(CloseReason::TooManyFrames);
        }
    }

    /// Takes the end of a newer token.
    fn prolong(&mut self, expires: Option<u64>) {
        if expires.is_some_and(|exp| exp > u64::from(self.expires)) {
            self.set_expiry(expires);
        }
    }

    /// Whether a request waits that can be answered now.
    pub(super) fn is_asked(&self) -> bool {
        !self.is_held_back() && self.with_poller(|poller| poller.is_waiting()) == Some(true)
    }

    /// Answers the request that waits, if one does, with all there is.
    pub(super) fn answer_poll(&mut self) {
        self.answer(true);
    }

    /// Sends pushes to who asks, together, and says what became of each.
    pub(super) fn send_to_poller(&mut self, pushes: &[Push]) {
        // What waits already is not to be taken for what comes now.
        self.answer_poll();
        let at_once = self.is_asked();
        let outcomes: Vec<_> =
            pushes.iter().map(|push| self.queue_for_poller(push, at_once)).collect();
        if at_once {
            self.answer(false);
        }
        for (push, outcome) in pushes.iter().zip(outcomes) {
            self.report(push, outcome);
        }
    }

    fn queue_for_poller(&mut self, push: &Push, at_once: bool) -> Outcome {
        if self.stage >= Stage::Closing {
            return Outcome::Dropped;
        }
        let outcome = self.queue_shared(push, push.frame.range(self.wire()), false);
        match outcome {
            Outcome::Queued if at_once => Outcome::Written,
            outcome => outcome,
        }
    }

    /// `waited`: whether pushes among it were told to be queued.
    fn answer(&mut self, waited: bool) {
        let has_news = self.rare.as_ref().is_some_and(|rare| rare.outbound.has_news());
        if !has_news || self.is_held_back() {
            return;
        }
        let Some(Some(reply)) = self.with_poller(Poller::take_held) else { return };
        let is_counted = waited && self.member.is_client();
        let deliveries = &self.member.local.metrics.deliveries;
        if let Some(rare) = &mut self.rare {
            rare.outbound.show(|accepted| {
                if is_counted {
                    deliveries.written(accepted);
                }
            });
        }
        let number = self.with_poller(Poller::next_answer).unwrap_or(0);
        self.give(reply, number);
    }

    /// Gives the last answer once more.
    fn answer_again(&mut self) {
        let last = self.with_poller(|poller| (poller.take_held(), poller.last_answer()));
        if let Some((Some(reply), number)) = last {
            self.give(reply, number);
        }
    }

    /// Gives the frames that are shown as the answer of this number.
    fn give(&mut self, reply: Reply, number: u32) {
        let Some(rare) = &self.rare else { return };
        let text = body_of(&self.member.id.to_string(), number, rare.outbound.shown());
        self.count_out(text.len(), 0);
        if self.stage < Stage::Closing {
            reply.give(Ok(Said::Json(text)));
            return self.expect_poll();
        }
        reply.give(Ok(Said::Last(text)));
        // Who shall come back begins anew whether it has seen this or not.
        if let Some(reason) = self.reason.filter(|reason| reason.reconnect()) {
            self.end(reason);
        }
    }

    /// The client has nothing to wait for, and so much time to ask again.
    fn expect_poll(&mut self) {
        let local = self.local();
        self.ping_due = local.clock.tick_after(local.settings.poll_grace);
        self.schedule();
    }

    /// A request has waited as long as it said, or has not come in time.
    pub(super) fn on_poll_due(&mut self) {
        match self.with_poller(Poller::take_held) {
            Some(Some(held)) => {
                held.give(Ok(Said::Nothing));
                self.expect_poll();
            }
            _ if self.with_poller(|poller| poller.has_left) == Some(true) => {
                self.end(CloseReason::ClientLeft);
            }
            _ => self.end(CloseReason::PingTimeout),
        }
    }

    /// Has the client show that it is there: it has to ask within this time.
    pub(super) fn look_at_poller(&mut self, soon: u32) {
        self.ping_due = match self.with_poller(Poller::take_held) {
            Some(Some(held)) => {
                held.give(Ok(Said::Nothing));
                soon
            }
            _ => self.ping_due.min(soon),
        };
        self.schedule();
    }

    /// Leaves the tables of those who ask.
    pub(super) fn leave_pollers(&self) {
        if self.is_polled() {
            self.local().directory.polls.leave(self.member.id);
            self.local().pollers.borrow_mut().remove(&self.member.seat);
        }
    }

    /// Where its client is.
    pub(super) fn address(&self) -> Option<ClientAddress> {
        let Some(socket) = &self.socket else {
            return self.with_poller(|poller| poller.peer()).flatten();
        };
        let told = self.local().addresses.borrow().get(self.member.seat);
        told.or_else(|| socket.peer_addr().ok().map(ClientAddress::from))
    }
}

/// The text of an answer.
fn body_of<'a>(session: &str, number: u32, frames: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut text = format!(r#"{{"session":"{session}","seen":{number},"frames":["#).into_bytes();
    for (place, frame) in frames.enumerate() {
        if place > 0 {
            text.push(b',');
        }
        text.extend_from_slice(frame);
    }
    text.extend_from_slice(b"]}");
    text
}

fn never_answered(seen: u32) -> Problem {
    let detail =
        format!("?seen={seen} is neither the last answer of this session nor the one before");
    Problem::new(400, "Bad Request", detail)
}
