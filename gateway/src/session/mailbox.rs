//! What other parts of the gateway may ask of a session.

use std::{rc::Rc, sync::Arc};

use actix::{AsyncContext, Handler, Message, MessageResult};
use protocol::{CloseReason, Topic, link::SessionInfo};

use super::{
    context::SessionContext,
    state::{Address, Session, Stage},
};
use crate::{
    delivery::message::{Deliver, Mailbox, Push},
    uplink::gates::Gate,
};

impl Mailbox for Address {
    fn deliver(&self, push: &Push, after: u64) {
        if let Some(session) = self.upgrade() {
            session.do_send(Deliver::new(push, after));
        }
    }
}

impl Handler<Deliver> for Session {
    type Result = ();

    fn handle(&mut self, message: Deliver, _: &mut SessionContext) {
        self.catch_up(message.after);
        self.send_push(&message.push);
    }
}

impl Session {
    /// A walk has come by that brings the fan-outs up to this number: false if it must come again,
    /// because what is in the mailbox was accepted before them. The number must have been read
    /// before this turn began, or something may have come into the mailbox that this turn has not
    /// looked at.
    pub(crate) fn on_walk(&mut self, through: u64, ctx: &SessionContext) -> bool {
        if ctx.is_behind() {
            return false;
        }
        self.catch_up(through);
        true
    }

    /// Sends the fan-outs up to this number that no walk has brought yet.
    pub(super) fn catch_up(&mut self, through: u64) {
        let local = Rc::clone(&self.member.local);
        let (seat, gets_all) = (self.member.seat, self.member.gets_all());
        let mut walks = local.walks.borrow_mut();
        let missed = walks.missed(&local.lane, seat, self.seen, through, gets_all);
        drop(walks);
        if let Some((pushes, seen)) = missed {
            self.seen = seen;
            self.send_together(&pushes);
        }
    }
}

impl Session {
    /// Has what it is sent from here on wait until every pusher-api knows of what was published so far,
    /// as its hello has: whoever has seen it can be reached by what it says.
    pub(super) fn wait_behind_gate(&mut self, ctx: &SessionContext) {
        let local = Rc::clone(&self.member.local);
        let presence = &local.directory.presence;
        if !presence.is_confirmed() {
            self.rare().gates += 1;
            let gate = SessionGate(ctx.address().downgrade());
            presence.open_when_confirmed(Arc::new(gate));
        }
    }
}

/// What a session waits behind until every pusher-api knows that it is here, or subscribed.
pub(super) struct SessionGate(pub(super) Address);

impl Gate for SessionGate {}

impl Drop for SessionGate {
    fn drop(&mut self) {
        if let Some(session) = self.0.upgrade() {
            session.do_send(Admit);
        }
    }
}

/// Every pusher-api knows; what waits for that may be said.
#[derive(Message)]
#[rtype(result = "()")]
struct Admit;

impl Handler<Admit> for Session {
    type Result = ();

    fn handle(&mut self, _: Admit, _: &mut SessionContext) {
        let Some(rare) = &mut self.rare else { return };
        rare.gates = rare.gates.saturating_sub(1);
        // What waited, the hello first, is written behind this message.
        if rare.gates == 0 && self.stage == Stage::Joining && !self.waits_for_store() {
            self.stage = Stage::Live;
        }
    }
}

/// The session must end. Answers whether it was open.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) struct Close(pub CloseReason);

impl Handler<Close> for Session {
    type Result = MessageResult<Close>;

    fn handle(&mut self, Close(reason): Close, _: &mut SessionContext) -> Self::Result {
        let open = self.stage < Stage::Closing;
        self.close(reason);
        MessageResult(open)
    }
}

/// Somebody else wants the session's place: its client has to show that it is still there.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Look;

impl Handler<Look> for Session {
    type Result = ();

    fn handle(&mut self, _: Look, _: &mut SessionContext) {
        self.look();
    }
}

/// What became of a backend's word on a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subscription {
    /// It is as the backend wants it.
    Changed,
    /// The session has as many topics as it may.
    TooMany,
    /// The session is ending.
    Gone,
}

/// A backend subscribes the session or ends a subscription.
#[derive(Message)]
#[rtype(result = "Subscription")]
pub(crate) enum Topical {
    /// Subscribe.
    Subscribe(Topic),
    /// End the subscription, behind the fan-outs up to this number.
    Unsubscribe(Topic, u64),
}

impl Handler<Topical> for Session {
    type Result = MessageResult<Topical>;

    fn handle(&mut self, message: Topical, ctx: &mut SessionContext) -> Self::Result {
        MessageResult(match message {
            _ if self.stage >= Stage::Closing => Subscription::Gone,
            Topical::Subscribe(topic) => self.subscribe_for_backend(&topic, ctx),
            Topical::Unsubscribe(topic, after) => self.unsubscribe_for_backend(&topic, after),
        })
    }
}

/// What presence shows of the session, but for its device, which the registry knows.
#[derive(Message)]
#[rtype(result = "SessionInfo")]
pub(crate) struct Describe;

impl Handler<Describe> for Session {
    type Result = MessageResult<Describe>;

    fn handle(&mut self, _: Describe, _: &mut SessionContext) -> Self::Result {
        let address = self.address();
        MessageResult(SessionInfo {
            id: self.member.id,
            transport: self.member.transport.as_str().to_owned(),
            device: None,
            since: self.local().clock.epoch_seconds(self.since),
            address: address.map(|address| address.to_string()).unwrap_or_default(),
        })
    }
}
