//! The links there are, and whether pushes can be taken.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use parking_lot::RwLock;
use uuid::Uuid;

use super::handle::Link;
use crate::{engine::local::presence::GatewayIndex, status::NotReady};

/// Every link of this process.
#[derive(Debug, Default)]
pub(crate) struct Gateways {
    links: RwLock<Arc<[Arc<Link>]>>,
    next_index: AtomicU32,
    looked_up: AtomicBool,
    presence_known: AtomicBool,
}

impl Gateways {
    /// The links as they are now, ordered by index.
    pub(crate) fn all(&self) -> Arc<[Arc<Link>]> {
        Arc::clone(&self.links.read())
    }

    /// Adds a link to this address.
    pub(crate) fn add(&self, address: SocketAddr, bound: usize) -> Arc<Link> {
        let index = GatewayIndex(self.next_index.fetch_add(1, Ordering::Relaxed));
        let link = Arc::new(Link::new(index, address, bound));
        self.change(|links| links.push(Arc::clone(&link)));
        link
    }

    /// Removes a link that has ended.
    pub(super) fn remove(&self, index: GatewayIndex) {
        self.change(|links| links.retain(|link| link.index != index));
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Link>>)) {
        let mut links = self.links.write();
        let mut changed = links.to_vec();
        change(&mut changed);
        *links = changed.into();
    }

    /// The configured names were looked up once, with or without success.
    pub(crate) fn set_looked_up(&self) {
        self.looked_up.store(true, Ordering::Release);
    }

    /// Whether another link is connected to this gateway process.
    pub(super) fn is_linked_elsewhere(&self, instance: Uuid, index: GatewayIndex) -> bool {
        self.all().iter().any(|link| {
            link.index != index && link.is_connected() && link.instance() == Some(instance)
        })
    }

    /// Whether pushes can be taken.
    ///
    /// # Errors
    /// Says why not.
    pub(crate) fn readiness(&self) -> Result<(), NotReady> {
        let links = self.all();
        if !self.presence_known.load(Ordering::Acquire) {
            self.check_presence(&links)?;
        }
        match links.iter().any(|link| link.is_open()) {
            true => Ok(()),
            false => Err(NotReady::NoGateway),
        }
    }

    /// Only at the start: a gateway that appears later lets no client say hello before its
    /// presence is known here.
    fn check_presence(&self, links: &[Arc<Link>]) -> Result<(), NotReady> {
        if !self.looked_up.load(Ordering::Acquire) {
            return Err(NotReady::LookingUp);
        }
        let unsettled = links.iter().filter(|link| !link.is_settled());
        let names: Vec<_> = unsettled.map(|link| link.address.to_string()).collect();
        if !names.is_empty() {
            return Err(NotReady::PresenceUnknown(names.join(", ")));
        }
        self.presence_known.store(true, Ordering::Release);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_waits_for_every_gateway_once() {
        let gateways = Gateways::default();
        assert_eq!(gateways.readiness(), Err(NotReady::LookingUp));
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let (first, second) = (gateways.add(address, 10), gateways.add(address, 10));
        gateways.set_looked_up();
        first.welcome(Uuid::from_u128(1), 0, "first");
        first.synced();
        assert_eq!(
            gateways.readiness(),
            Err(NotReady::PresenceUnknown("127.0.0.1:1".into())),
            "the second may hold users"
        );
        second.ended();
        assert_eq!(gateways.readiness(), Ok(()));
        first.give_up();
        assert_eq!(gateways.readiness(), Err(NotReady::NoGateway));
        gateways.add(address, 10);
        second.welcome(Uuid::from_u128(2), 0, "second");
        assert_eq!(gateways.readiness(), Ok(()), "a gateway that appears later is not waited for");
    }

    #[test]
    fn a_gateway_is_linked_under_one_address_only() {
        let gateways = Gateways::default();
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let (first, second) = (gateways.add(address, 10), gateways.add(address, 10));
        first.welcome(Uuid::from_u128(1), 0, "g");
        assert!(gateways.is_linked_elsewhere(Uuid::from_u128(1), second.index));
        assert!(!gateways.is_linked_elsewhere(Uuid::from_u128(1), first.index));
        first.ended();
        assert!(!gateways.is_linked_elsewhere(Uuid::from_u128(1), second.index));
    }
}
