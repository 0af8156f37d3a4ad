//! A session's place in the tables of the gateway, given back on every path out.

use std::{rc::Rc, sync::atomic::Ordering};

use protocol::{Device, SessionId, Topic, Transport, UserId};

use super::local::Local;
use crate::{
    access::admission::Permit,
    directory::{
        Directory,
        registry::{Registration, TooManySessions},
    },
};

/// What a subscription takes in the tables of a worker, and what a topic takes there and in the
/// directory beside its name, in bytes.
const SUBSCRIPTION: usize = 32;
const TOPIC: usize = 384;

/// The memory that a subscription takes, with that of its topic if it is the only one on its worker.
fn cost(topic: &Topic, is_only: bool) -> usize {
    let topic = if is_only { TOPIC + topic.as_str().len() } else { 0 };
    SUBSCRIPTION + topic
}

/// Why a session is not subscribed to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotSubscribed {
    /// It has as many topics as it may.
    TooMany,
    /// All topics of this process take as much memory as they may.
    NoMemory,
}

/// The guard of a session's entries in registry, topics and metrics.
pub(super) struct Membership<A: Clone> {
    /// What the sessions of its thread share.
    pub local: Rc<Local<A>>,
    /// Nobody for an echo session.
    pub user: Option<UserId>,
    /// The session.
    pub id: SessionId,
    /// Its seat among the worker's sessions.
    pub seat: u32,
    /// What the client speaks.
    pub transport: Transport,
    /// Whether pushes reach it.
    entered: bool,
    /// Its room; none for the gateway's own sessions, which are not counted.
    permit: Option<Permit>,
}

impl<A: Clone> Membership<A> {
    /// Enters a session everywhere. The session of the same user and device that it replaces, if
    /// there is one, comes back, to be told.
    ///
    /// # Errors
    /// The user has too many sessions; nothing is left behind.
    pub(super) fn enter(
        local: &Rc<Local<A>>,
        seat: u32,
        transport: Transport,
        user: Option<UserId>,
        device: Option<Device>,
        address: &A,
        permit: Option<Permit>,
    ) -> Result<(Self, Option<A>), TooManySessions> {
        let id = local.directory.next_session_id();
        let limit = local.settings.sessions_per_user;
        Self::enter_as(id, limit, local, seat, transport, user, device, address, permit)
    }

    /// The same for a session that has its id, of a user who may have `limit` of them.
    ///
    /// # Errors
    /// As above.
    #[expect(clippy::too_many_arguments, reason = "what a session is, each of them once")]
    pub(super) fn enter_as(
        id: SessionId,
        limit: usize,
        local: &Rc<Local<A>>,
        seat: u32,
        transport: Transport,
        user: Option<UserId>,
        device: Option<Device>,
        address: &A,
        permit: Option<Permit>,
    ) -> Result<(Self, Option<A>), TooManySessions> {
        let directory = &local.directory;
        let mut replaced = None;
        if let Some(user) = &user {
            let registration = Registration { id, address: address.clone(), device };
            replaced =
                directory.registry.register(user, registration, limit, &directory.presence)?;
        }
        if permit.is_some() {
            local.metrics.sessions(transport).inc();
            local.lane.clients.fetch_add(1, Ordering::Relaxed);
        }
        let local = Rc::clone(local);
        let member = Self { local, user, id, seat, transport, entered: true, permit };
        if member.gets_all() {
            member.local.lane.load.session_came();
        }
        Ok((member, replaced))
    }

    /// Whether what is for everybody is for it: for users, not for echo sessions and the gateway's
    /// own.
    pub(super) fn gets_all(&self) -> bool {
        self.user.is_some() && self.is_client()
    }

    /// Subscribes to a topic, of which there may be `most`; whether it was not before.
    ///
    /// # Errors
    /// It is not subscribed.
    pub(super) fn subscribe(&self, topic: &Topic, most: usize) -> Result<bool, NotSubscribed> {
        let Local { lane, walks, .. } = &*self.local;
        let Directory { topics, presence, .. } = &*self.local.directory;
        let subscribers = &mut walks.borrow_mut().subscribers;
        if subscribers.is_subscribed(self.seat, topic) {
            return Ok(false);
        }
        if !self.entered || subscribers.topics_of(self.seat) >= most {
            return Err(NotSubscribed::TooMany);
        }
        let is_first = topics.subscribed(topic, lane.worker, presence);
        if !self.local.ledger.topics.take(cost(topic, is_first)) {
            topics.unsubscribed(topic, lane.worker, presence);
            return Err(NotSubscribed::NoMemory);
        }
        // Read behind the count: a fan-out that did not see it has its number already, or comes
        // before the subscription.
        subscribers.subscribe(self.seat, topic, self.local.fan_out.last());
        Ok(true)
    }

    /// Takes note that a subscription has ended.
    fn unsubscribed(&self, topic: &Topic) {
        let local = &self.local;
        let Directory { topics, presence, .. } = &*local.directory;
        let was_last = topics.unsubscribed(topic, local.lane.worker, presence);
        local.ledger.topics.give_back(cost(topic, was_last));
    }

    /// Ends a subscription; whether there was one.
    pub(super) fn unsubscribe(&self, topic: &Topic) -> bool {
        let was = self.local.walks.borrow_mut().subscribers.unsubscribe(self.seat, topic);
        if was {
            self.unsubscribed(topic);
        }
        was
    }

    /// Whether it is a client's session and not the gateway's own.
    pub(super) fn is_client(&self) -> bool {
        self.permit.is_some()
    }

    /// Takes the session out of everything but its seat, whose deadlines a closing session still
    /// needs. Returns whether it was still in.
    pub(super) fn leave(&mut self) -> bool {
        if !std::mem::replace(&mut self.entered, false) {
            return false;
        }
        for topic in self.local.walks.borrow_mut().subscribers.leave(self.seat) {
            self.unsubscribed(&topic);
        }
        if self.gets_all() {
            self.local.lane.load.session_went();
        }
        if let Some(user) = &self.user {
            let directory = &self.local.directory;
            directory.registry.unregister(user.as_str(), self.id, &directory.presence);
        }
        if self.is_client() {
            self.local.metrics.sessions(self.transport).dec();
            self.local.lane.clients.fetch_sub(1, Ordering::Relaxed);
        }
        true
    }
}

impl<A: Clone> Drop for Membership<A> {
    fn drop(&mut self) {
        self.leave();
    }
}
