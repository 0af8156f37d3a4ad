//! Which gateways hold a session of a user, in memory, as the gateways report it. The table of
//! [`topics`](super::topics) is the same.
//!
//! Each report carries the epoch of its gateway's snapshot. A new snapshot begins a new epoch, and
//! when it is complete whatever is still of an older one is swept out.

use std::hash::BuildHasher;

use dashmap::DashMap;
use smallvec::{SmallVec, smallvec};

use crate::status::{GatewayIndex, GatewayIndexes};

/// Counts the snapshots of one gateway; compared with wrap-around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Epoch(pub u32);

impl Epoch {
    /// The epoch of the next snapshot.
    pub(crate) fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    fn is_older_than(self, other: Self) -> bool {
        other.0.wrapping_sub(self.0).wrapping_sub(1) < u32::MAX / 2
    }
}

/// So many shards that sweeping one of a million users takes well under a millisecond.
const SHARDS: usize = 256;

/// Who is where.
#[derive(Debug)]
pub(crate) struct Presence {
    users: DashMap<Box<str>, Holders>,
}

/// What the word says that a user has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// The gateway was not known to hold the user.
    pub is_news: bool,
    /// Other gateways hold the user, too.
    pub is_elsewhere: bool,
}

#[derive(Debug, Clone, Copy)]
struct Hold {
    gateway: GatewayIndex,
    epoch: Epoch,
}

/// Sixteen bytes for the usual user.
#[derive(Debug)]
enum Holders {
    One(Hold),
    Many(Box<SmallVec<[Hold; 3]>>),
}

impl Default for Presence {
    fn default() -> Self {
        Self { users: DashMap::with_shard_amount(SHARDS) }
    }
}

impl Presence {
    /// The user has a session at the gateway.
    pub(crate) fn came(&self, user: &str, gateway: GatewayIndex, epoch: Epoch) -> Arrival {
        let hold = Hold { gateway, epoch };
        // Asking first spares the key's allocation when a snapshot repeats what is known.
        if let Some(mut holders) = self.users.get_mut(user) {
            return holders.add(hold);
        }
        let mut arrival = Arrival { is_news: true, is_elsewhere: false };
        let known = |holders: &mut Holders| arrival = holders.add(hold);
        self.users.entry(user.into()).and_modify(known).or_insert(Holders::One(hold));
        arrival
    }

    /// The user's last session at the gateway is gone. Returns whether that is news.
    pub(crate) fn went(&self, user: &str, gateway: GatewayIndex) -> bool {
        let mut news = false;
        self.users.remove_if_mut(user, |_, holders| {
            let (removed, empty) = holders.remove(|hold| hold.gateway == gateway);
            news = removed;
            empty
        });
        news
    }

    /// Forgets what the gateway reported before this epoch; returns how many users it no longer
    /// holds. Walks over all users, a shard at a time: not for an event loop.
    pub(crate) fn sweep(&self, gateway: GatewayIndex, epoch: Epoch) -> usize {
        let mut count = 0;
        self.users.retain(|_, holders| {
            let stale = |hold: &Hold| hold.gateway == gateway && hold.epoch.is_older_than(epoch);
            let (removed, empty) = holders.remove(stale);
            count += usize::from(removed);
            !empty
        });
        count
    }

    /// How many users there are of several gateways, those of which it `concerns`. Walks over all users.
    pub(crate) fn count_shared(&self, concerns: &impl Fn(&GatewayIndexes) -> bool) -> usize {
        let shared = |holders: &Holders| holders.is_shared() && concerns(&holders.gateways());
        self.users.iter().filter(|user| shared(user.value())).count()
    }

    /// One part in so many of these users. Walks over all users.
    pub(crate) fn shared(
        &self,
        concerns: &impl Fn(&GatewayIndexes) -> bool,
        part: usize,
        parts: usize,
    ) -> Vec<Box<str>> {
        let shared = |holders: &Holders| holders.is_shared() && concerns(&holders.gateways());
        let users = self.users.iter().filter(|user| shared(user.value()));
        let of_part = |user: &str| self.users.hasher().hash_one(user) % parts as u64 == part as u64;
        let users = users.filter(|user| of_part(user.key()));
        users.map(|user| user.key().clone()).collect()
    }

    /// The gateways that hold the user.
    pub(crate) fn gateways_of(&self, user: &str) -> GatewayIndexes {
        self.users.get(user).map_or_else(GatewayIndexes::new, |holders| holders.gateways())
    }
}

impl Holders {
    /// Whether several gateways hold the user.
    fn is_shared(&self) -> bool {
        matches!(self, Self::Many(_))
    }

    fn add(&mut self, hold: Hold) -> Arrival {
        let is_news = self.insert(hold);
        Arrival { is_news, is_elsewhere: self.is_shared() }
    }

    fn insert(&mut self, hold: Hold) -> bool {
        match self {
            Self::One(known) if known.gateway == hold.gateway => *known = hold,
            Self::One(known) => {
                *self = Self::Many(Box::new(smallvec![*known, hold]));
                return true;
            }
            Self::Many(known) => {
                match known.iter_mut().find(|known| known.gateway == hold.gateway) {
                    Some(known) => *known = hold,
                    None => {
                        known.push(hold);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Removes the holds that match; returns whether there were any and whether none is left.
    fn remove(&mut self, matches: impl Fn(&Hold) -> bool) -> (bool, bool) {
        match self {
            Self::One(hold) => {
                let matched = matches(hold);
                (matched, matched)
            }
            Self::Many(holds) => {
                let before = holds.len();
                holds.retain(|hold| !matches(hold));
                let removed = holds.len() < before;
                if let [last] = holds.as_slice() {
                    *self = Self::One(*last);
                    return (removed, false);
                }
                (removed, holds.is_empty())
            }
        }
    }

    fn gateways(&self) -> GatewayIndexes {
        match self {
            Self::One(hold) => smallvec![hold.gateway],
            Self::Many(holds) => holds.iter().map(|hold| hold.gateway).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Came(u8, u32),
        Went(u8, u32),
        Snapshot(Vec<u8>, u32),
        Lost(u32),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..6_u8, 0..3_u32).prop_map(|(user, gateway)| Step::Came(user, gateway)),
            (0..6_u8, 0..3_u32).prop_map(|(user, gateway)| Step::Went(user, gateway)),
            (prop::collection::vec(0..6_u8, 0..6), 0..3_u32)
                .prop_map(|(users, gateway)| Step::Snapshot(users, gateway)),
            (0..3_u32).prop_map(Step::Lost),
        ]
    }

    #[derive(Default)]
    struct Pair {
        presence: Presence,
        model: HashMap<u8, BTreeSet<u32>>,
        epochs: HashMap<u32, u32>,
    }

    impl Pair {
        fn epoch(&self, gateway: u32) -> Epoch {
            Epoch(self.epochs.get(&gateway).copied().unwrap_or(u32::MAX - 1))
        }

        fn next_epoch(&mut self, gateway: u32) -> Epoch {
            let next = self.epoch(gateway).0.wrapping_add(1);
            self.epochs.insert(gateway, next);
            Epoch(next)
        }

        fn apply(&mut self, step: Step) {
            match step {
                Step::Came(user, gateway) => {
                    let epoch = self.epoch(gateway);
                    let index = GatewayIndex(gateway);
                    let arrival = self.presence.came(&user.to_string(), index, epoch);
                    let gateways = self.model.entry(user).or_default();
                    let is_news = gateways.insert(gateway);
                    let is_elsewhere = gateways.len() > 1;
                    assert_eq!(arrival, Arrival { is_news, is_elsewhere });
                }
                Step::Went(user, gateway) => {
                    let news = self.presence.went(&user.to_string(), GatewayIndex(gateway));
                    assert_eq!(news, self.model.entry(user).or_default().remove(&gateway));
                }
                Step::Snapshot(users, gateway) => self.snapshot(&users, gateway),
                Step::Lost(gateway) => self.snapshot(&[], gateway),
            }
        }

        fn snapshot(&mut self, users: &[u8], gateway: u32) {
            let epoch = self.next_epoch(gateway);
            for user in users {
                self.presence.came(&user.to_string(), GatewayIndex(gateway), epoch);
            }
            let mut gone = 0;
            for (user, gateways) in &mut self.model {
                gone += usize::from(!users.contains(user) && gateways.remove(&gateway));
            }
            for user in users {
                self.model.entry(*user).or_default().insert(gateway);
            }
            assert_eq!(self.presence.sweep(GatewayIndex(gateway), epoch), gone);
        }
    }

    proptest! {
        #[test]
        fn presence_is_what_the_gateways_said(steps in prop::collection::vec(step(), 0..60)) {
            let mut pair = Pair::default();
            steps.into_iter().for_each(|step| pair.apply(step));
            let several = pair.model.iter().filter(|(_, gateways)| gateways.len() > 1);
            let several: BTreeSet<_> = several.map(|(user, _)| user.to_string()).collect();
            for all in [1, 3] {
                let shared = (0..all).flat_map(|part| pair.presence.shared(&|_| true, part, all));
                let shared: Vec<_> = shared.map(String::from).collect();
                prop_assert_eq!(shared.len(), several.len(), "each in one part");
                prop_assert_eq!(shared.into_iter().collect::<BTreeSet<_>>(), several.clone());
            }
            prop_assert_eq!(pair.presence.count_shared(&|_| true), several.len());
            prop_assert_eq!(pair.presence.count_shared(&|_| false), 0);
            for user in 0..6_u8 {
                let found = pair.presence.gateways_of(&user.to_string());
                let found: BTreeSet<_> = found.iter().map(|index| index.0).collect();
                prop_assert_eq!(found, pair.model.remove(&user).unwrap_or_default());
            }
            let known = pair.presence.users.len();
            for gateway in 0..3 {
                let epoch = pair.next_epoch(gateway);
                pair.presence.sweep(GatewayIndex(gateway), epoch);
            }
            prop_assert!(known <= 6 && pair.presence.users.is_empty(), "users without a gateway");
        }
    }

    #[test]
    fn a_late_sweep_spares_a_newer_snapshot() {
        let presence = Presence::default();
        presence.came("u", GatewayIndex(0), Epoch(7));
        assert_eq!(presence.sweep(GatewayIndex(0), Epoch(6)), 0);
        assert_eq!(presence.gateways_of("u").as_slice(), [GatewayIndex(0)]);
    }

    #[test]
    fn an_epoch_is_older_than_half_of_all_others() {
        let epoch = Epoch(7);
        // The one on the other side of the circle is neither older nor newer.
        for (distance, newer) in
            [1, 2, 1000, u32::MAX / 2].map(|it| (it, true)).into_iter().chain([(1 << 31, false)])
        {
            let other = Epoch(7_u32.wrapping_add(distance));
            assert_eq!(epoch.is_older_than(other), newer, "{distance}");
            assert!(!other.is_older_than(epoch), "{distance}");
        }
        assert!(!epoch.is_older_than(epoch));
        assert!(Epoch(u32::MAX - 1).is_older_than(Epoch(3)), "with wrap-around");
        let presence = Presence::default();
        presence.came("u", GatewayIndex(0), epoch);
        assert_eq!(
            presence.sweep(GatewayIndex(0), Epoch(5000)),
            1,
            "snapshots that broke off count"
        );
    }

    #[test]
    fn the_usual_user_costs_sixteen_bytes() {
        assert_eq!(size_of::<Holders>(), 16);
    }
}
