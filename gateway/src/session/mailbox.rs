//! What other parts of the gateway may ask of a session.

use actix::{Handler, Message, MessageResult};
use protocol::{CloseReason, Topic, link::SessionInfo};

use super::{
    context::SessionContext,
    state::{Address, Session, Stage},
};
use crate::{
    delivery::message::{Deliver, Mailbox},
    uplink::queue::Gate,
};

impl Mailbox for Address {
    fn deliver(&self, message: &Deliver) {
        if let Some(session) = self.upgrade() {
            session.do_send(message.clone());
        }
    }
}

impl Handler<Deliver> for Session {
    type Result = ();

    fn handle(&mut self, message: Deliver, _: &mut SessionContext) {
        if message.walk.is_some() {
            // A broadcast this session has caught up with, or that was started before it came.
            if message.broadcast <= self.broadcast || !self.takes_broadcasts() {
                return;
            }
            self.catch_up(message.broadcast - 1);
            self.broadcast = message.broadcast;
        } else {
            self.catch_up(message.broadcast);
        }
        self.send_push(&message);
    }
}

impl Session {
    /// Delivers a broadcast as if it had come through the mailbox: behind what is in there.
    pub(crate) fn on_broadcast(&mut self, message: Deliver, ctx: &mut SessionContext) {
        match ctx.is_behind() {
            true => ctx.send_to_self(message),
            false => self.handle(message, ctx),
        }
    }

    /// Broadcasts are for users; echo sessions and the gateway's own have none.
    fn takes_broadcasts(&self) -> bool {
        !self.is_echo() && self.member.is_client()
    }

    /// Sends the broadcasts up to this one that the worker's walk has not brought yet.
    fn catch_up(&mut self, through: u32) {
        if self.broadcast < through && self.takes_broadcasts() {
            for missed in self.local().recent.between(self.broadcast, through) {
                self.send_push(&missed);
            }
            self.broadcast = through;
        }
    }
}

/// What a joining session waits behind until every pusher-api knows that it is here.
pub(super) struct HelloGate(pub(super) Address);

impl Gate for HelloGate {}

impl Drop for HelloGate {
    fn drop(&mut self) {
        if let Some(session) = self.0.upgrade() {
            session.do_send(Admit);
        }
    }
}

/// Every pusher-api knows that the session is here; it may say hello.
#[derive(Message)]
#[rtype(result = "()")]
struct Admit;

impl Handler<Admit> for Session {
    type Result = ();

    fn handle(&mut self, _: Admit, _: &mut SessionContext) {
        if self.stage == Stage::Joining {
            // What waited, the hello first, is written behind this message.
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

/// A backend subscribes the session or ends a subscription. Answers whether it is so now.
#[derive(Message)]
#[rtype(result = "bool")]
pub(crate) enum Topical {
    /// Subscribe.
    Subscribe(Topic),
    /// End the subscription.
    Unsubscribe(Topic),
}

impl Handler<Topical> for Session {
    type Result = MessageResult<Topical>;

    fn handle(&mut self, message: Topical, ctx: &mut SessionContext) -> Self::Result {
        MessageResult(match message {
            _ if self.stage >= Stage::Closing => false,
            Topical::Subscribe(topic) => self.subscribe(&topic, ctx),
            Topical::Unsubscribe(topic) => {
                self.unsubscribe(&[topic]);
                true
            }
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
        let address = self.socket.peer_addr();
        MessageResult(SessionInfo {
            id: self.member.id,
            transport: self.member.transport.as_str().to_owned(),
            device: None,
            since: self.local().clock.epoch_seconds(self.since),
            address: address.map_or_else(|_| String::new(), |address| address.to_string()),
        })
    }
}
