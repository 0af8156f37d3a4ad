//! Where sessions are that are asked by requests: each request names one, and has to be of its own client.
//!
//! A session stays in here until it is over, also when it is nobody's any more to whom pushes go: its client
//! has to hear why it ends.

use std::hash::{BuildHasher, RandomState};

use dashmap::DashMap;
use protocol::{Device, SessionId, UserId};

/// Why a session is not found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotFound {
    /// It is another user's or device's.
    NotYours,
    /// There is none.
    Nowhere,
}

/// Such sessions, by their ids. `A` is where one is reached.
pub(crate) struct Polls<A> {
    sessions: DashMap<SessionId, (A, u64)>,
    /// Whose each is stands there as a hash, which is short, and keyed, so that nobody finds another name
    /// with the same.
    key: RandomState,
}

impl<A> Default for Polls<A> {
    fn default() -> Self {
        Self { sessions: DashMap::default(), key: RandomState::new() }
    }
}

impl<A: Clone> Polls<A> {
    /// Enters a session.
    pub(crate) fn enter(&self, id: SessionId, user: &UserId, device: Option<&Device>, address: A) {
        self.sessions.insert(id, (address, self.hash(user, device)));
    }

    /// Takes one out.
    pub(crate) fn leave(&self, id: SessionId) {
        self.sessions.remove(&id);
    }

    /// Where the session with this id is, if it is of this user and device.
    ///
    /// # Errors
    /// It is not, or there is none.
    pub(crate) fn find(
        &self,
        id: SessionId,
        user: &UserId,
        device: Option<&Device>,
    ) -> Result<A, NotFound> {
        let found = self.sessions.get(&id).ok_or(NotFound::Nowhere)?;
        let (address, whose) = &*found;
        match *whose == self.hash(user, device) {
            true => Ok(address.clone()),
            false => Err(NotFound::NotYours),
        }
    }

    fn hash(&self, user: &UserId, device: Option<&Device>) -> u64 {
        self.key.hash_one((user.as_str(), device.map(Device::as_str)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_user_and_device_only() {
        let polls = Polls::default();
        let (user, other) = (UserId::new("u").unwrap(), UserId::new("v").unwrap());
        let (device, another) = (Device::new("d").unwrap(), Device::new("e").unwrap());
        let id = SessionId(7);
        polls.enter(id, &user, Some(&device), "here");
        assert_eq!(polls.find(id, &user, Some(&device)), Ok("here"));
        assert_eq!(polls.find(id, &user, Some(&another)), Err(NotFound::NotYours));
        assert_eq!(polls.find(id, &user, None), Err(NotFound::NotYours));
        assert_eq!(polls.find(id, &other, Some(&device)), Err(NotFound::NotYours));
        assert_eq!(polls.find(SessionId(8), &user, Some(&device)), Err(NotFound::Nowhere));
        polls.leave(id);
        assert_eq!(polls.find(id, &user, Some(&device)), Err(NotFound::Nowhere));
    }
}
