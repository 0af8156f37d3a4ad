//! What a pusher-api keeps of devices: not one of them, only between which gateways it decides.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use uuid::Uuid;

use crate::{engine::local::pairs::Pairs, status::GatewayIndex};

/// Two gateways, the one with the smaller index first.
pub(super) type Pair = (GatewayIndex, GatewayIndex);

/// Between whom this process decides.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The name of this process; of those that two gateways have in common the smallest decides.
    pub(super) name: Uuid,
    /// Who has chosen it.
    pub(super) pairs: Mutex<Pairs<GatewayIndex>>,
    walk: Mutex<Walk>,
}

/// Of whom it is to be looked up which users both have.
#[derive(Debug, Default)]
struct Walk {
    wanted: BTreeSet<Pair>,
    under_way: bool,
}

impl Default for Decided {
    fn default() -> Self {
        Self { name: Uuid::new_v4(), pairs: Mutex::default(), walk: Mutex::default() }
    }
}

impl Decided {
    /// Wants a pair looked up; whether somebody has to begin with that.
    pub(super) fn want(&self, one: GatewayIndex, other: GatewayIndex) -> bool {
        let mut walk = self.walk.lock();
        walk.wanted.insert((one.min(other), one.max(other)));
        !std::mem::replace(&mut walk.under_way, true)
    }

    /// Those that are wanted; where there are none, looking up is over.
    pub(super) fn take_wanted(&self) -> Option<BTreeSet<Pair>> {
        let mut walk = self.walk.lock();
        let wanted = std::mem::take(&mut walk.wanted);
        walk.under_way = !wanted.is_empty();
        walk.under_way.then_some(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_are_wanted_meanwhile_are_looked_up_together() {
        let decided = Decided::default();
        let [one, two, three] = [1, 2, 3].map(GatewayIndex);
        assert!(decided.want(two, one), "somebody begins");
        assert!(!decided.want(one, two) && !decided.want(one, three));
        assert_eq!(decided.take_wanted(), Some(BTreeSet::from([(one, two), (one, three)])));
        assert!(!decided.want(one, two), "it goes on");
        assert_eq!(decided.take_wanted(), Some(BTreeSet::from([(one, two)])));
        assert_eq!(decided.take_wanted(), None);
        assert!(decided.want(one, two), "and has ended");
    }
}
