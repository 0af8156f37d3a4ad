//! A session's place in the tables of the gateway, given back on every path out.

use std::rc::Rc;

use protocol::{Device, SessionId, Transport, UserId};

use super::local::Local;
use crate::{
    access::admission::Permit,
    directory::registry::{Registration, TooManySessions},
};

/// The guard of a session's entries in registry and metrics.
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
        let directory = &local.directory;
        let id = directory.next_session_id();
        let mut replaced = None;
        if let Some(user) = &user {
            let registration = Registration { id, address: address.clone(), device };
            let (limit, feed) = (local.settings.sessions_per_user, &directory.presence);
            replaced = directory.registry.register(user, registration, limit, feed)?;
        }
        if permit.is_some() {
            local.metrics.sessions(transport).inc();
        }
        let local = Rc::clone(local);
        Ok((Self { local, user, id, seat, transport, entered: true, permit }, replaced))
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
        if let Some(user) = &self.user {
            let directory = &self.local.directory;
            directory.registry.unregister(user.as_str(), self.id, &directory.presence);
        }
        if self.is_client() {
            self.local.metrics.sessions(self.transport).dec();
        }
        true
    }
}

impl<A: Clone> Drop for Membership<A> {
    fn drop(&mut self) {
        self.leave();
    }
}
