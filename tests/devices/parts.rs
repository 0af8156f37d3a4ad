//! What a gateway and a pusher-api know of devices, and what they say to each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::{SessionId, link::Claim};
use uuid::Uuid;

use super::{claims::Claims, deciders::Deciders, pairs::Pairs};

/// From a gateway: changes of presence, counted from 1.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Up {
    Begin,
    Came,
    Went,
    End,
    Claimed(usize, Claim),
    Chose(Uuid),
    Left(Uuid),
}

/// From a pusher-api.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Down {
    Ack(u64),
    Linked { name: Uuid, peer: Uuid },
    Unlinked(Uuid),
    Claimed { device: usize, peer: Uuid, through: u64, claim: Claim },
    Asked,
}

/// One connection, from its beginning to when both ends have noticed that it is over.
pub(crate) struct Connection {
    pub(crate) gateway: usize,
    pub(crate) pusher: usize,
    pub(crate) name: Uuid,
    pub(crate) up: VecDeque<Up>,
    pub(crate) down: VecDeque<Down>,
    /// Nothing is delivered any more but what was under way.
    pub(crate) is_cut: bool,
    /// Each end goes on until it notices.
    pub(crate) gateway_serves: bool,
    pub(crate) pusher_serves: bool,
    /// The gateway has another connection of the same pusher-api, and heeds this one no more.
    pub(crate) is_left: bool,
    // The gateway's end.
    pub(crate) appended: u64,
    pub(crate) chosen: BTreeMap<Uuid, u64>,
    pub(crate) claims: Claims,
    // The pusher-api's end.
    pub(crate) heard: u64,
    pub(crate) is_in_step: bool,
    pub(crate) is_naming: bool,
}

#[derive(Default)]
pub(crate) struct Gateway {
    pub(crate) instance: Uuid,
    pub(crate) sessions: BTreeMap<usize, SessionId>,
    pub(crate) next: u64,
    pub(crate) deciders: Deciders<usize>,
}

pub(crate) struct Pusher {
    pub(crate) name: Uuid,
    pub(crate) pairs: Pairs<usize>,
    /// Who holds the user.
    pub(crate) presence: BTreeSet<usize>,
    /// Who has been named in the snapshot under way.
    pub(crate) named: BTreeSet<usize>,
    pub(crate) wanted: BTreeSet<(usize, usize)>,
}

impl Pusher {
    pub(crate) fn new(name: u128) -> Self {
        let (pairs, presence, named) = (Pairs::default(), BTreeSet::new(), BTreeSet::new());
        Self { name: Uuid::from_u128(name), pairs, presence, named, wanted: BTreeSet::new() }
    }
}
