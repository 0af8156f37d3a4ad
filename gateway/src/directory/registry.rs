//! Which sessions a user has, over all workers.
//!
//! Sharded, so that an operation locks one shard for a moment, and read by many threads. The first
//! session of a user and the end of its last one are told to the [`PresenceFeed`] while the user's
//! shard is locked, so that the feed's order is true for each user.

use dashmap::{DashMap, Entry as MapEntry};
use protocol::{Device, SessionId, UserId, link::PresenceChange};
use smallvec::SmallVec;

use crate::uplink::presence::PresenceFeed;

/// Many, so that the growth of one shard moves few entries while it is locked.
const SHARDS: usize = 1024;

/// One session of a user.
#[derive(Clone)]
pub struct Registration<A> {
    /// The session.
    pub id: SessionId,
    /// Where pushes go.
    pub address: A,
    /// A later session of the same device takes this one's place.
    pub device: Option<Device>,
}

/// The user has as many sessions as allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManySessions;

/// Users and their sessions.
pub struct Registry<A> {
    users: DashMap<UserId, SmallVec<[Registration<A>; 1]>>,
}

impl<A> Default for Registry<A> {
    fn default() -> Self {
        Self { users: DashMap::with_shard_amount(SHARDS) }
    }
}

impl<A: Clone> Registry<A> {
    /// Enters a session, and takes out the one of the same device, which is returned to be closed.
    ///
    /// # Errors
    /// The user has `limit` sessions of other devices; nothing was changed.
    pub fn register(
        &self,
        user: &UserId,
        registration: Registration<A>,
        limit: usize,
        feed: &PresenceFeed,
    ) -> Result<Option<A>, TooManySessions> {
        let (id, device) = (registration.id, registration.device.clone());
        let mut sessions = match self.users.entry(user.clone()) {
            MapEntry::Occupied(occupied) => occupied.into_ref(),
            MapEntry::Vacant(vacant) => {
                feed.publish(PresenceChange::Came(user.as_str()));
                vacant.insert(SmallVec::new())
            }
        };
        let same_device = sessions
            .iter()
            .position(|other| other.device.is_some() && other.device == registration.device);
        let replaced = match same_device {
            Some(position) => {
                Some(std::mem::replace(&mut sessions[position], registration).address)
            }
            None if sessions.len() >= limit => return Err(TooManySessions),
            None => {
                sessions.reserve_exact(1);
                sessions.push(registration);
                None
            }
        };
        if let Some(device) = device {
            feed.claim(user, &device, id);
        }
        Ok(replaced)
    }

    /// Takes out the session of a device that another gateway has claimed, unless it `stays`. It comes back
    /// to be closed.
    pub fn contend(
        &self,
        user: &UserId,
        device: &Device,
        stays: impl FnOnce(SessionId) -> bool,
        feed: &PresenceFeed,
    ) -> Option<A> {
        let mut replaced = None;
        self.take_out(user.as_str(), feed, |sessions| {
            let of_it = |session: &Registration<A>| session.device.as_ref() == Some(device);
            let gone = sessions.iter().position(of_it);
            let gone = gone.filter(|position| !stays(sessions[*position].id));
            replaced = gone.map(|position| sessions.remove(position).address);
        });
        replaced
    }

    /// Takes a session out, and only that one: a late goodbye cannot touch a newer session.
    pub fn unregister(&self, user: &str, id: SessionId, feed: &PresenceFeed) {
        self.take_out(user, feed, |sessions| sessions.retain(|session| session.id != id));
    }

    /// Changes a user's sessions by taking some out; with the last one the user goes.
    fn take_out(
        &self,
        user: &str,
        feed: &PresenceFeed,
        change: impl FnOnce(&mut SmallVec<[Registration<A>; 1]>),
    ) {
        self.users.remove_if_mut(user, |_, sessions| {
            change(sessions);
            if sessions.is_empty() {
                feed.publish(PresenceChange::Went(user));
            }
            sessions.is_empty()
        });
    }

    /// Calls `visit` for each session of a user, and returns how many there were.
    pub fn visit(&self, user: &str, mut visit: impl FnMut(&Registration<A>)) -> usize {
        self.users.get(user).map_or(0, |sessions| {
            sessions.iter().for_each(&mut visit);
            sessions.len()
        })
    }

    /// Whether the user has a session.
    pub fn is_here(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    /// Does something while the user is here and can neither come nor go, if it is.
    pub fn while_here(&self, user: &str, work: impl FnOnce()) {
        if let Some(_held) = self.users.get(user) {
            work();
        }
    }

    /// Whether a user has a session of this device.
    pub fn has_device(&self, user: &str, device: &Device) -> bool {
        let of_it = |session: &Registration<A>| session.device.as_ref() == Some(device);
        self.users.get(user).is_some_and(|sessions| sessions.iter().any(of_it))
    }

    /// Where a session is reached, if it is one of this user and device.
    pub fn session(&self, user: &str, device: Option<&Device>, id: SessionId) -> Option<A> {
        let is_it =
            |session: &&Registration<A>| session.id == id && session.device.as_ref() == device;
        self.users.get(user)?.iter().find(is_it).map(|session| session.address.clone())
    }

    /// The sessions of a user.
    pub fn sessions(&self, user: &str) -> Vec<Registration<A>> {
        self.users.get(user).map_or_else(Vec::new, |sessions| sessions.to_vec())
    }

    /// The users there are, without a lock over all of them: who comes or goes meanwhile may be
    /// among them or not. A word for each; not for an event loop.
    pub fn all_users(&self) -> Vec<UserId> {
        self.users.iter().map(|entry| entry.key().clone()).collect()
    }

    /// How many users have a session.
    pub fn users(&self) -> usize {
        self.users.len()
    }
}

#[cfg(test)]
mod tests;
