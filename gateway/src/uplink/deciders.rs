//! Which pusher-api decides, for each other gateway, whose sessions are newer: of those that are linked to
//! both, the one with the smallest name. A plain value, with links of whatever kind; each change comes
//! back as what a link is to be told.
//!
//! A gateway follows one of them at a time for each other gateway, and a pusher-api decides only while
//! both follow it. So no session is closed for one that another pusher-api closes for it. See
//! docs/decisions/devices.md.

use std::collections::{BTreeMap, HashMap};

use protocol::{SessionId, link::PresenceChange};
use uuid::Uuid;

/// Most other gateways that are remembered. Beyond them, one that nobody is linked to is forgotten, and
/// where all are, the next one is not taken up: its sessions and ours do not replace each other.
pub(crate) const MOST_PEERS: usize = 4096;

/// What is known of the other gateways. `L` is a link.
#[derive(Debug)]
pub(crate) struct Deciders<L> {
    peers: HashMap<Uuid, Peer<L>>,
}

/// Another gateway process.
#[derive(Debug)]
struct Peer<L> {
    /// The pusher-apis that are linked to it and to this gateway, by their names: the first decides.
    linked: BTreeMap<Uuid, L>,
    /// The first of our sessions since which the two did not always hear of each other; none where they
    /// never have.
    heard_until: Option<SessionId>,
}

/// What a link is to be told.
pub(crate) type Word<L> = (L, PresenceChange<'static>);

/// There are too many other gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyPeers;

impl<L> Default for Deciders<L> {
    fn default() -> Self {
        Self { peers: HashMap::new() }
    }
}

impl<L: Clone + PartialEq> Deciders<L> {
    /// The pusher-api of this name, at this link, is linked to a gateway, too. `heard` says of a link
    /// which of our sessions is the first of which it may not have heard.
    ///
    /// # Errors
    /// There are too many; the gateway is not taken up.
    pub(crate) fn linked(
        &mut self,
        link: &L,
        name: Uuid,
        gateway: Uuid,
        heard: impl Fn(&L) -> SessionId,
    ) -> Result<Vec<Word<L>>, TooManyPeers> {
        self.make_room_for(gateway)?;
        let peer = self.peers.entry(gateway).or_insert_with(Peer::new);
        Ok(peer.change(gateway, heard, |linked| drop(linked.insert(name, link.clone()))))
    }

    /// The pusher-api at this link is not linked to that gateway any more.
    pub(crate) fn unlinked(
        &mut self,
        link: &L,
        gateway: Uuid,
        heard: impl Fn(&L) -> SessionId,
    ) -> Vec<Word<L>> {
        let Some(peer) = self.peers.get_mut(&gateway) else { return Vec::new() };
        peer.change(gateway, heard, |linked| linked.retain(|_, other| other != link))
    }

    /// The link is gone.
    pub(crate) fn lost(&mut self, link: &L, heard: impl Fn(&L) -> SessionId) -> Vec<Word<L>> {
        let gone = |linked: &mut BTreeMap<_, L>| linked.retain(|_, other| other != link);
        let peers = self.peers.iter_mut();
        peers.flat_map(|(gateway, peer)| peer.change(*gateway, &heard, gone)).collect()
    }

    /// Other gateways that are known, each with the first of our sessions of which it may not have heard, were all
    /// links lost now.
    pub(crate) fn heard(&self, heard: impl Fn(&L) -> SessionId) -> Vec<(Uuid, SessionId)> {
        let peers = self.peers.iter().filter_map(|(gateway, peer)| {
            let until = peer.decider().map(&heard).or(peer.heard_until);
            Some((*gateway, until?))
        });
        peers.collect()
    }

    /// What another process has known of them.
    pub(crate) fn resumed(heard: impl IntoIterator<Item = (Uuid, SessionId)>) -> Self {
        let peers = heard.into_iter().take(MOST_PEERS);
        let peer = |until| Peer { linked: BTreeMap::new(), heard_until: Some(until) };
        Self { peers: peers.map(|(gateway, until)| (gateway, peer(until))).collect() }
    }

    /// Whether the pusher-api at this link decides between this gateway and that one.
    pub(crate) fn decides(&self, link: &L, gateway: Uuid) -> bool {
        self.peers.get(&gateway).and_then(Peer::decider) == Some(link)
    }

    /// Whether that gateway may not have heard of this session of ours when it began.
    pub(crate) fn is_unheard(&self, session: SessionId, gateway: Uuid) -> bool {
        let until = self.peers.get(&gateway).and_then(|peer| peer.heard_until);
        until.is_none_or(|until| distance(until, session) < u64::MAX / 2)
    }

    /// Forgets a gateway that nobody is linked to, if there are as many as may be.
    fn make_room_for(&mut self, gateway: Uuid) -> Result<(), TooManyPeers> {
        if self.peers.len() < MOST_PEERS || self.peers.contains_key(&gateway) {
            return Ok(());
        }
        let idle = self.peers.iter().find(|(_, peer)| peer.linked.is_empty());
        let idle = *idle.ok_or(TooManyPeers)?.0;
        self.peers.remove(&idle);
        Ok(())
    }
}

impl<L: Clone + PartialEq> Peer<L> {
    fn new() -> Self {
        Self { linked: BTreeMap::new(), heard_until: None }
    }

    fn decider(&self) -> Option<&L> {
        self.linked.values().next()
    }

    /// Changes who is linked; where somebody else decides afterwards, both are told.
    fn change(
        &mut self,
        gateway: Uuid,
        heard: impl Fn(&L) -> SessionId,
        change: impl FnOnce(&mut BTreeMap<Uuid, L>),
    ) -> Vec<Word<L>> {
        let before = self.decider().cloned();
        change(&mut self.linked);
        let after = self.decider().cloned();
        if before == after {
            return Vec::new();
        }
        if let Some(before) = &before {
            self.heard_until = Some(heard(before));
        }
        let left = before.map(|link| (link, PresenceChange::Left(gateway)));
        let chosen = after.map(|link| (link, PresenceChange::Chose(gateway)));
        left.into_iter().chain(chosen).collect()
    }
}

/// How many sessions later the second is; ids go round.
fn distance(from: SessionId, to: SessionId) -> u64 {
    to.0.wrapping_sub(from.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: Uuid = Uuid::from_u128(7);

    fn name(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    /// Nothing of what this link told is confirmed from this session on.
    fn from(session: u64) -> impl Fn(&u8) -> SessionId {
        move |_| SessionId(session)
    }

    #[test]
    fn the_smallest_name_decides_and_both_are_told_when_that_is_another() {
        let mut it = Deciders::<u8>::default();
        let chose = |link| (link, PresenceChange::Chose(PEER));
        let left = |link| (link, PresenceChange::Left(PEER));
        assert!(!it.decides(&5, PEER));
        assert_eq!(it.linked(&5, name(50), PEER, from(0)), Ok(vec![chose(5)]));
        assert_eq!(it.linked(&5, name(50), PEER, from(0)), Ok(vec![]), "said again");
        assert_eq!(it.linked(&6, name(60), PEER, from(0)), Ok(vec![]), "a larger name");
        assert_eq!(it.linked(&4, name(40), PEER, from(0)), Ok(vec![left(5), chose(4)]));
        assert!(it.decides(&4, PEER) && !it.decides(&5, PEER) && !it.decides(&4, name(8)));
        assert_eq!(it.unlinked(&5, PEER, from(0)), []);
        assert_eq!(it.lost(&4, from(0)), [left(4), chose(6)]);
        assert_eq!(it.unlinked(&6, PEER, from(0)), [left(6)]);
        assert_eq!(it.lost(&6, from(0)), []);
    }

    #[test]
    fn a_pusher_api_that_is_back_at_another_link_decides_there() {
        let mut it = Deciders::<u8>::default();
        it.linked(&1, name(1), PEER, from(0)).expect("room");
        let words = it.linked(&2, name(1), PEER, from(9)).expect("room");
        assert_eq!(words, [(1, PresenceChange::Left(PEER)), (2, PresenceChange::Chose(PEER))]);
        assert_eq!(it.lost(&1, from(0)), [], "its end shows late");
        assert!(it.decides(&2, PEER));
        assert!(it.is_unheard(SessionId(9), PEER) && !it.is_unheard(SessionId(8), PEER));
    }

    #[test]
    fn sessions_since_the_last_loss_are_those_the_other_may_not_have_heard_of() {
        let mut it = Deciders::<u8>::default();
        assert!(it.is_unheard(SessionId(1), PEER), "they never heard of each other");
        it.linked(&1, name(1), PEER, from(0)).expect("room");
        assert!(it.is_unheard(SessionId(1), PEER));
        it.lost(&1, from(u64::MAX));
        assert!(!it.is_unheard(SessionId(u64::MAX - 1), PEER));
        for later in [u64::MAX, 0, 1] {
            assert!(it.is_unheard(SessionId(later), PEER), "ids go round");
        }
        it.linked(&1, name(1), PEER, from(3)).expect("room");
        assert!(it.is_unheard(SessionId(0), PEER), "until they hear of each other again, and then");
        it.linked(&2, name(0), PEER, from(3)).expect("room");
        assert!(!it.is_unheard(SessionId(2), PEER), "another one decides");
    }

    #[test]
    fn gateways_that_are_gone_make_room_for_others_and_those_that_are_there_do_not() {
        let mut it = Deciders::<u8>::default();
        for number in 0..MOST_PEERS {
            it.linked(&1, name(1), name(number as u128), from(0)).expect("room");
        }
        assert_eq!(it.linked(&1, name(1), Uuid::max(), from(0)), Err(TooManyPeers));
        assert_eq!(it.linked(&1, name(1), name(0), from(0)), Ok(vec![]), "a known one");
        it.unlinked(&1, name(5), from(0));
        assert!(it.linked(&1, name(1), Uuid::max(), from(0)).is_ok());
        assert_eq!(it.peers.len(), MOST_PEERS);
    }
}
