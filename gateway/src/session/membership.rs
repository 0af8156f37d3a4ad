//! A session's place in the tables of the gateway, given back on every path out.

use std::rc::Rc;

use actix::WeakAddr;
use protocol::{CloseReason, Device, SessionId, UserId};

use super::{Close, Session};
use crate::{
    admission::Permit,
    registry::{Registration, TooManySessions},
    transports::Transport,
    worker::Worker,
};

/// The guard of a session's entries in registry and metrics.
pub struct Membership {
    /// The thread the session lives on.
    pub worker: Rc<Worker>,
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

impl Membership {
    /// Enters a session everywhere. A session of the same user and device is told to go.
    ///
    /// # Errors
    /// The user has too many sessions; nothing is left behind.
    pub fn enter(
        worker: &Rc<Worker>,
        seat: u32,
        transport: Transport,
        user: Option<UserId>,
        device: Option<Device>,
        address: &WeakAddr<Session>,
        permit: Option<Permit>,
    ) -> Result<Self, TooManySessions> {
        let gateway = &worker.gateway;
        let id = gateway.next_session_id();
        if let Some(user) = &user {
            let registration = Registration { id, address: address.clone(), device };
            let limit = gateway.settings.sessions_per_user;
            let replaced =
                gateway.registry.register(user, registration, limit, &gateway.presence)?;
            if let Some(older) = replaced.and_then(|older| older.upgrade()) {
                older.do_send(Close(CloseReason::Replaced));
            }
        }
        if permit.is_some() {
            gateway.metrics.sessions(transport).inc();
        }
        let worker = Rc::clone(worker);
        Ok(Self { worker, user, id, seat, transport, entered: true, permit })
    }

    /// Whether it is a client's session and not the gateway's own.
    pub fn is_client(&self) -> bool {
        self.permit.is_some()
    }

    /// Takes the session out of everything but its seat, whose deadlines a closing session still
    /// needs. Returns whether it was still in.
    pub fn leave(&mut self) -> bool {
        if !std::mem::replace(&mut self.entered, false) {
            return false;
        }
        let gateway = &self.worker.gateway;
        if let Some(user) = &self.user {
            gateway.registry.unregister(user.as_str(), self.id, &gateway.presence);
        }
        if self.is_client() {
            gateway.metrics.sessions(self.transport).dec();
        }
        true
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave();
    }
}
