//! Where sessions are that are asked by requests: each request names one, and has to be of its own client.
//!
//! A session stays in here until it is over, also when it is nobody's any more to whom pushes go: its client
//! has to hear why it ends.
//!
//! Who may ask, and by which token that was proved last, are kept as hashes, which are short. They are keyed
//! by what only this process knows, so that nobody can find another name or token with the same.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    num::NonZeroU64,
};

use dashmap::DashMap;
use protocol::{Device, SessionId, UserId};

/// Whose a session is: a user's and device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(NonZeroU64);

/// The token that proved who asks, with the device that its client named beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof(NonZeroU64);

/// Such sessions, by their ids. `A` is where one is reached.
pub(crate) struct Polls<A> {
    sessions: DashMap<SessionId, (A, Option<Proof>)>,
    key: RandomState,
}

impl<A> Default for Polls<A> {
    fn default() -> Self {
        Self { sessions: DashMap::default(), key: RandomState::new() }
    }
}

impl<A: Clone> Polls<A> {
    /// Enters a session.
    pub(crate) fn enter(&self, id: SessionId, address: A) {
        self.sessions.insert(id, (address, None));
    }

    /// Takes one out.
    pub(crate) fn leave(&self, id: SessionId) {
        self.sessions.remove(&id);
    }

    /// Where the session with this id is, and what proved last who asks.
    pub(crate) fn find(&self, id: SessionId) -> Option<(A, Option<Proof>)> {
        self.sessions.get(&id).map(|found| found.clone())
    }

    /// Takes note of what has proved who asks: as long as the session lives, which ends with the token, it
    /// need not be looked at again.
    pub(crate) fn proved(&self, id: SessionId, proof: Proof) {
        if let Some(mut found) = self.sessions.get_mut(&id) {
            found.1 = Some(proof);
        }
    }

    /// Whose sessions of this user and device are.
    pub(crate) fn owner(&self, user: &UserId, device: Option<&Device>) -> Owner {
        Owner(self.hash((user.as_str(), device.map(Device::as_str))))
    }

    /// What this token proves, with the device that its client names beside it.
    pub(crate) fn proof(&self, token: &str, device: Option<&str>) -> Proof {
        Proof(self.hash((token, device)))
    }

    fn hash(&self, of: impl Hash) -> NonZeroU64 {
        NonZeroU64::new(self.key.hash_one(of)).unwrap_or(NonZeroU64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_and_proofs_differ_by_all_that_makes_them() {
        let polls = Polls::<()>::default();
        let (user, other) = (UserId::new("u").unwrap(), UserId::new("v").unwrap());
        let (device, another) = (Device::new("d").unwrap(), Device::new("e").unwrap());
        let owner = polls.owner(&user, Some(&device));
        assert_eq!(owner, polls.owner(&user, Some(&device)));
        for else_ in [(&user, Some(&another)), (&user, None), (&other, Some(&device))] {
            assert_ne!(owner, polls.owner(else_.0, else_.1));
        }
        let proof = polls.proof("t", None);
        assert_eq!(proof, polls.proof("t", None));
        assert!(proof != polls.proof("t", Some("d")) && proof != polls.proof("s", None));
        assert_ne!(proof, Polls::<()>::default().proof("t", None), "nobody else finds it");
    }

    #[test]
    fn a_session_is_there_with_its_last_proof_until_it_leaves() {
        let polls = Polls::default();
        let (id, proof) = (SessionId(7), polls.proof("t", None));
        polls.proved(id, proof);
        assert_eq!(polls.find(id), None);
        polls.enter(id, "here");
        assert_eq!(polls.find(id), Some(("here", None)));
        polls.proved(id, proof);
        assert_eq!(polls.find(id), Some(("here", Some(proof))));
        polls.leave(id);
        assert_eq!(polls.find(id), None);
    }
}
