//! Who came and who went, told to every link.
//!
//! A session says hello only after every pusher-api has taken in that its user is here, so that
//! whoever has seen the hello can be reached: it waits behind a [`Gate`] that opens when the last
//! [`LinkQueue`] has let go of it.

use std::sync::Arc;

use parking_lot::RwLock;
use protocol::link::PresenceChange;

use super::queue::{Gate, LinkQueue};

/// Tells every link who came and who went.
#[derive(Default)]
pub struct PresenceFeed {
    links: RwLock<Vec<Arc<LinkQueue>>>,
}

impl PresenceFeed {
    /// Adds a link; changes from now on reach it.
    pub fn attach(&self, link: Arc<LinkQueue>) {
        self.links.write().push(link);
    }

    /// Takes a link out; gates that waited for it open.
    pub fn detach(&self, link: &Arc<LinkQueue>) {
        let mut links = self.links.write();
        links.retain(|other| !Arc::ptr_eq(other, link));
        drop(links);
        link.open_gates(u64::MAX);
    }

    /// Appends a change to every link's queue. Called with the user's shard of the registry
    /// locked; takes only the queues' own locks, each for a moment.
    pub fn publish(&self, change: PresenceChange<'_>) {
        for link in self.links.read().iter() {
            link.append(change);
        }
    }

    /// Has the gate open as soon as every link has confirmed what was published so far; at once
    /// where there is no link.
    pub fn open_when_confirmed(&self, gate: Arc<dyn Gate>) {
        for link in self.links.read().iter() {
            link.wait_for_confirmation(&gate);
        }
    }

    /// Opens gates that have waited too long, and returns how many.
    pub fn open_late_gates(&self) -> usize {
        let links = self.links.read();
        links.iter().map(|link| link.open_late_gates()).sum()
    }

    /// Bytes that wait over all links.
    pub fn queued(&self) -> usize {
        let links = self.links.read();
        links.iter().map(|link| link.queued()).sum()
    }
}
