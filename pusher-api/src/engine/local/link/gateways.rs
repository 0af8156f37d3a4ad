//! The links there are, and whether pushes can be taken.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::RwLock;
use uuid::Uuid;

use super::handle::{Bounds, Link};
use crate::status::{GatewayIndex, NotReady, OutOfStep};

/// A link that finds into step sooner is not worth a word.
const STEP_PATIENCE: Duration = Duration::from_secs(2);

/// Every link of this process.
#[derive(Debug, Default)]
pub(crate) struct Gateways {
    links: RwLock<Arc<[Arc<Link>]>>,
    next_index: AtomicU32,
    /// Counts the changes of the list.
    changes: AtomicU32,
    /// How many of them may hold anybody: a push asks for this first.
    loose: Arc<AtomicUsize>,
    looked_up: AtomicBool,
    presence_known: AtomicBool,
}

impl Gateways {
    /// The links as they are now, ordered by index.
    pub(crate) fn all(&self) -> Arc<[Arc<Link>]> {
        Arc::clone(&self.links.read())
    }

    /// How often the list has changed: who keeps a copy of it looks whether that is still good.
    pub(crate) fn changes(&self) -> u32 {
        self.changes.load(Ordering::Acquire)
    }

    /// Adds a link to this address.
    pub(crate) fn add(&self, address: SocketAddr, bounds: Bounds) -> Arc<Link> {
        let index = GatewayIndex(self.next_index.fetch_add(1, Ordering::Relaxed));
        let link = Arc::new(Link::new(index, address, bounds, Arc::clone(&self.loose)));
        self.change(|links| links.push(Arc::clone(&link)));
        link
    }

    /// Whether there is a gateway that may hold users who are not known here.
    pub(crate) fn any_is_loose(&self) -> bool {
        self.loose.load(Ordering::Acquire) > 0
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
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// The configured names were looked up once, with or without success.
    pub(crate) fn set_looked_up(&self) {
        self.looked_up.store(true, Ordering::Release);
    }

    /// Where another link to this gateway process is open.
    pub(super) fn linked_elsewhere(
        &self,
        instance: Uuid,
        index: GatewayIndex,
    ) -> Option<SocketAddr> {
        let links = self.all();
        let other = links.iter().find(|link| {
            link.index != index && link.is_open() && link.instance() == Some(instance)
        });
        other.map(|link| link.address)
    }

    /// What other links to this gateway process could not tell it any more.
    pub(super) fn take_over_missed(&self, instance: Uuid, link: &Link) {
        for other in self.all().iter().filter(|other| other.index != link.index) {
            if other.instance() == Some(instance) {
                other.take_missed().into_iter().for_each(|missed| link.add_missed(missed));
            }
        }
    }

    /// The link to this gateway, while there is one.
    pub(crate) fn find(&self, index: GatewayIndex) -> Option<Arc<Link>> {
        self.all().iter().find(|link| link.index == index).cloned()
    }

    /// What a gateway is called.
    pub(crate) fn name_of(&self, index: GatewayIndex) -> Option<Arc<str>> {
        self.find(index).map(|link| link.name())
    }

    /// The links whose gateways may hold users that are not known here, if that lasts.
    pub(crate) fn out_of_step(&self) -> Vec<OutOfStep> {
        let links = self.all();
        let out = links.iter().filter_map(|link| {
            let since = link.out_of_step()?.elapsed();
            let gateway = link.name().to_string();
            (since >= STEP_PATIENCE).then(|| OutOfStep { gateway, state: link.state(), since })
        });
        out.collect()
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
    use protocol::link::TargetRef;

    use super::*;
    use crate::status::LinkState;

    #[test]
    fn readiness_waits_for_every_gateway_once() {
        let gateways = Gateways::default();
        assert_eq!(gateways.readiness(), Err(NotReady::LookingUp));
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let (first, second) = (
            gateways.add(address, Bounds::of_queue(10)),
            gateways.add(address, Bounds::of_queue(10)),
        );
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
        gateways.add(address, Bounds::of_queue(10));
        second.welcome(Uuid::from_u128(2), 0, "second");
        assert_eq!(gateways.readiness(), Ok(()), "a gateway that appears later is not waited for");
    }

    #[test]
    fn a_gateway_is_linked_under_one_address_only() {
        let gateways = Gateways::default();
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let (first, second) = (
            gateways.add(address, Bounds::of_queue(10)),
            gateways.add(address, Bounds::of_queue(10)),
        );
        first.welcome(Uuid::from_u128(1), 0, "g");
        let elsewhere =
            |link: &Link| gateways.linked_elsewhere(Uuid::from_u128(1), link.index).is_some();
        assert!(elsewhere(&second) && !elsewhere(&first));
        first.ended();
        assert!(elsewhere(&second), "what waits for it there would be lost");
        first.give_up();
        assert!(!elsewhere(&second));
    }

    #[test]
    fn what_could_not_be_told_at_one_address_is_told_at_the_other() {
        let gateways = Gateways::default();
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let (first, second) = (
            gateways.add(address, Bounds::of_queue(10)),
            gateways.add(address, Bounds::of_queue(10)),
        );
        let instance = Uuid::from_u128(1);
        first.welcome(instance, 0, "g");
        first.miss(&TargetRef::User("u"));
        second.alias(instance, "g", address);
        assert_eq!((second.state(), second.alias_of()), (LinkState::Alias, Some(address)));
        first.give_up();
        second.welcome(instance, 0, "g");
        gateways.take_over_missed(instance, &second);
        assert_eq!(second.take_missed().expect("a name").users.len(), 1);
        assert_eq!((first.take_missed(), second.alias_of()), (None, None));
    }

    #[actix_rt::test]
    async fn only_a_link_that_stays_out_of_step_is_named() {
        tokio::time::pause();
        let gateways = Gateways::default();
        let link = gateways.add("127.0.0.1:1".parse().unwrap(), Bounds::of_queue(10));
        let named = || gateways.out_of_step().first().map(|out| (out.state, out.since.as_secs()));
        assert_eq!(named(), None);
        tokio::time::advance(STEP_PATIENCE).await;
        assert_eq!(named(), Some((LinkState::Connecting, 2)));
        link.welcome(Uuid::from_u128(1), 0, "g");
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(named(), Some((LinkState::Syncing, 3)), "a connection is no step");
        link.synced();
        assert_eq!(named(), None);
        link.ended();
        assert_eq!(named(), None);
        tokio::time::advance(STEP_PATIENCE).await;
        assert_eq!(named(), Some((LinkState::Lost, 2)));
    }
}
