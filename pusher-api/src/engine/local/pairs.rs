//! Between which gateways this process decides whose sessions are newer: those that have both chosen it. A
//! plain value; what it decides is the order in which their claims come here.
//!
//! A gateway chooses by what each pusher-api says of the others it is linked to. See
//! docs/decisions/devices.md.

use std::collections::{BTreeMap, HashSet};

use uuid::Uuid;

/// The gateways that are connected and claim devices. `G` is a gateway.
#[derive(Debug)]
pub(crate) struct Pairs<G> {
    gateways: BTreeMap<G, Party>,
    /// Counts connections.
    connections: u64,
    /// Between how many two it decides.
    decided: usize,
}

#[derive(Debug)]
struct Party {
    /// The gateway process.
    instance: Uuid,
    /// The number of its connection.
    connection: u64,
    /// The gateway processes for which it has chosen this pusher-api.
    chosen: HashSet<Uuid>,
}

impl<G> Default for Pairs<G> {
    fn default() -> Self {
        Self { gateways: BTreeMap::new(), connections: 0, decided: 0 }
    }
}

impl<G: Copy + Ord> Pairs<G> {
    /// A gateway is connected; it chooses anew. Returns the others, each of which is to be told of it,
    /// and it of them.
    pub(crate) fn connected(&mut self, gateway: G, instance: Uuid) -> Vec<(G, Uuid)> {
        self.ended(gateway);
        let others = self.gateways.iter().map(|(other, party)| (*other, party.instance)).collect();
        self.connections += 1;
        let (connection, chosen) = (self.connections, HashSet::new());
        self.gateways.insert(gateway, Party { instance, connection, chosen });
        others
    }

    /// A gateway's connection has ended. Returns its process and the others, who are to be told.
    pub(crate) fn ended(&mut self, gateway: G) -> Option<(Uuid, Vec<G>)> {
        let with = |other: &&G| self.decides(gateway, **other);
        self.decided -= self.gateways.keys().filter(with).count();
        let gone = self.gateways.remove(&gateway)?;
        Some((gone.instance, self.gateways.keys().copied().collect()))
    }

    /// A gateway has chosen this pusher-api for another one. Returns that one if it has, too, from now on.
    pub(crate) fn chose(&mut self, gateway: G, instance: Uuid) -> Option<G> {
        let is_news = self.gateways.get_mut(&gateway)?.chosen.insert(instance);
        let other = self.gateway(instance).filter(|other| self.decides(gateway, *other))?;
        self.decided += usize::from(is_news);
        Some(other)
    }

    /// A gateway has chosen another pusher-api, or none.
    pub(crate) fn left(&mut self, gateway: G, instance: Uuid) {
        let other = self.gateway(instance).filter(|other| self.decides(gateway, *other));
        self.decided -= usize::from(other.is_some());
        if let Some(party) = self.gateways.get_mut(&gateway) {
            party.chosen.remove(&instance);
        }
    }

    fn gateway(&self, instance: Uuid) -> Option<G> {
        let is_meant = |(_, party): &(&G, &Party)| party.instance == instance;
        self.gateways.iter().find(is_meant).map(|(gateway, _)| *gateway)
    }

    /// Between how many two gateways it decides.
    pub(crate) fn decided(&self) -> usize {
        self.decided
    }

    /// Whether the order in which claims of these two come here is the one that counts.
    pub(crate) fn decides(&self, one: G, other: G) -> bool {
        let (Some(one), Some(other)) = (self.gateways.get(&one), self.gateways.get(&other)) else {
            return false;
        };
        one.chosen.contains(&other.instance) && other.chosen.contains(&one.instance)
    }

    /// What the process of a connected gateway is called.
    pub(crate) fn instance(&self, gateway: G) -> Option<Uuid> {
        self.gateways.get(&gateway).map(|party| party.instance)
    }

    /// Of two gateways, the one that has been connected for longer, if this process decides between them:
    /// it has missed less, and says which devices it has.
    pub(crate) fn elder(&self, one: G, other: G) -> Option<G> {
        let connection = |gateway: &G| self.gateways.get(gateway).map(|party| party.connection);
        let elder = [one, other].into_iter().min_by_key(connection);
        elder.filter(|_| self.decides(one, other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn it_decides_between_those_that_have_both_chosen_it() {
        let mut pairs = Pairs::default();
        assert_eq!(pairs.connected(1, instance(10)), []);
        assert_eq!(pairs.connected(2, instance(20)), [(1, instance(10))]);
        assert_eq!(pairs.chose(1, instance(20)), None, "the other has not, so far");
        assert!(!pairs.decides(1, 2) && pairs.elder(1, 2).is_none());
        assert_eq!(pairs.chose(2, instance(10)), Some(1));
        assert_eq!((pairs.elder(1, 2), pairs.elder(2, 1)), (Some(1), Some(1)));
        assert!(pairs.decides(1, 2) && pairs.decides(2, 1));
        assert!(!pairs.decides(1, 1) && !pairs.decides(1, 3));
        assert_eq!(pairs.chose(2, instance(10)), Some(1), "said again");
        assert_eq!(pairs.decided(), 1);
        (0..2).for_each(|_| pairs.left(1, instance(20)));
        assert!(!pairs.decides(1, 2) && pairs.decided() == 0);
        assert_eq!(pairs.chose(1, instance(20)), Some(2));
        assert_eq!(pairs.decided(), 1);
    }

    #[test]
    fn who_comes_back_chooses_anew_and_is_the_younger() {
        let mut pairs = Pairs::default();
        pairs.connected(1, instance(10));
        pairs.connected(2, instance(20));
        pairs.chose(1, instance(20));
        pairs.chose(2, instance(10));
        assert_eq!(pairs.ended(1), Some((instance(10), vec![2])));
        assert_eq!((pairs.ended(1), pairs.decided()), (None, 0));
        assert_eq!((pairs.instance(1), pairs.instance(2)), (None, Some(instance(20))));
        assert_eq!(pairs.chose(1, instance(20)), None, "it is not there");
        assert_eq!(pairs.connected(1, instance(10)), [(2, instance(20))]);
        assert!(!pairs.decides(1, 2), "it has said nothing on this connection");
        assert_eq!(pairs.chose(1, instance(20)), Some(2));
        assert_eq!(pairs.elder(1, 2), Some(2));
        // As another process, which nobody has chosen it for.
        assert_eq!(pairs.connected(1, instance(11)), [(2, instance(20))]);
        assert_eq!(pairs.decided(), 0);
        assert_eq!(pairs.chose(1, instance(20)), None);
    }
}
