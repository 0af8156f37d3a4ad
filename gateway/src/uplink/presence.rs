//! Who came and who went, and which topics have subscribers, told to every link.
//!
//! A session says hello only after every pusher-api has taken in that its user is here, so that
//! whoever has seen the hello can be reached: it waits behind a [`Gate`] that opens when the last
//! [`LinkQueue`] has let go of it. So does what tells a client that it is subscribed. A link that was lost is waited for, too, for a moment: its
//! pusher-api may not have noticed, and take a user for absent who has just come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use parking_lot::RwLock;
use protocol::{
    Device, SessionId, UserId,
    link::{Claim, PresenceChange},
};
use tracing::{info, warn};
use uuid::Uuid;

use super::{
    gates::{Gate, Held},
    queue::{LinkQueue, QUEUE_LIMIT},
    way::Way,
};

/// Tells every link who came and who went.
#[derive(Default)]
pub struct PresenceFeed {
    /// Those that are up, and those that were lost so recently that their pusher-api is waited for.
    links: RwLock<Vec<Arc<LinkQueue>>>,
    /// Hellos and the like that did not wait for a pusher-api that lags, since they were last asked for.
    unconfirmed: AtomicUsize,
}

impl PresenceFeed {
    /// Adds a link; changes from now on reach it. Who waited for an earlier link of its pusher-api
    /// waits no longer: that it connects anew shows that it knows of the loss.
    pub fn attach(&self, link: Arc<LinkQueue>) {
        let is_earlier =
            |other: &Arc<LinkQueue>| other.sender().is_some() && other.sender() == link.sender();
        let mut links = self.links.write();
        let (earlier, others) = links.drain(..).partition::<Vec<_>, _>(is_earlier);
        *links = others;
        links.push(link);
        drop(links);
        for earlier in earlier {
            // Its end may not have shown here so far.
            earlier.leave();
            drop(earlier.take_gates());
        }
    }

    /// A link has ended. Gates that wait for it go on waiting until its pusher-api is back, but not
    /// for long: until then it may not know of the loss.
    pub fn detach(&self, link: &Arc<LinkQueue>) {
        link.leave();
        if link.sender().is_some() {
            return;
        }
        self.links.write().retain(|other| !Arc::ptr_eq(other, link));
        drop(link.take_gates());
    }

    /// The pusher-apis that are linked, or waited for.
    pub(crate) fn linked(&self) -> Vec<Uuid> {
        self.links.read().iter().filter_map(|link| link.sender()).collect()
    }

    /// These pusher-apis were linked to another process, and are waited for: until they come, they do not know who
    /// is here.
    pub(crate) fn wait_for(&self, senders: &[Uuid]) {
        for sender in senders {
            let link = Arc::new(LinkQueue::default());
            link.set_sender(*sender);
            link.leave();
            self.links.write().push(link);
        }
    }

    /// Appends a change to every link's queue. Called with the user's shard of the registry
    /// locked, or the topic's; takes only the queues' own locks, each for a moment.
    pub fn publish(&self, change: PresenceChange<'_>) {
        for link in self.links.read().iter() {
            link.append(change);
        }
    }

    /// Claims a device for its newest session at every link that has somebody to tell of it. Called with the
    /// user's shard of the registry locked, so that the order is true for the user.
    pub fn claim(&self, user: &UserId, device: &Device, session: SessionId) {
        for link in self.links.read().iter() {
            link.claim(user, device, session, Claim::New);
        }
    }

    /// Whether every link has confirmed what was published so far.
    pub fn is_confirmed(&self) -> bool {
        self.links.read().iter().all(|link| link.is_confirmed())
    }

    /// Has the gate open as soon as every link has confirmed what was published so far; at once
    /// where there is no link.
    pub fn open_when_confirmed(&self, gate: Arc<dyn Gate>) {
        for link in self.links.read().iter() {
            if link.wait_for_confirmation(&gate) == Held::Lagging {
                self.unconfirmed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Opens gates that have waited too long. Returns how many hellos were not confirmed since the
    /// last time, by these and by links that are not waited for.
    pub fn open_late_gates(&self, now: Instant) -> usize {
        let links = self.links.read().clone();
        let mut late = self.unconfirmed.swap(0, Ordering::Relaxed);
        for link in &links {
            let lagged = link.is_lagging();
            late += link.open_late_gates(now);
            if link.is_lagging() && !lagged {
                let sender = link.sender().unwrap_or_default();
                warn!(%sender, "a pusher-api does not confirm who is here; hellos do not wait for it");
            }
        }
        if links.iter().any(|link| link.is_over(now)) {
            self.forget_lost_links(now);
        }
        late
    }

    fn forget_lost_links(&self, now: Instant) {
        let mut links = self.links.write();
        let (over, others) = links.drain(..).partition::<Vec<_>, _>(|link| link.is_over(now));
        *links = others;
        drop(links);
        let waited: usize = over.iter().map(|link| link.take_gates().len()).sum();
        info!(waited, "a pusher-api has not come back so far; hellos do not wait for it");
    }

    /// The links on which requests for sessions of other gateways can be passed on, in any order.
    pub(crate) fn relaying(&self) -> Vec<Way> {
        let links = self.links.read();
        let relaying = links.iter().filter(|link| link.relays());
        let mut ways: Vec<_> = relaying.map(|link| Way(Arc::clone(link))).collect();
        drop(links);
        fastrand::shuffle(&mut ways);
        ways
    }

    /// How many links' pusher-apis are not waited for, because they have not confirmed in time.
    pub fn lagging(&self) -> usize {
        self.links.read().iter().filter(|link| link.is_lagging()).count()
    }

    /// The most bytes that may wait over all links.
    pub fn limit(&self) -> usize {
        self.links.read().len() * QUEUE_LIMIT
    }

    /// Bytes that wait over all links.
    pub fn queued(&self) -> usize {
        let links = self.links.read();
        links.iter().map(|link| link.queued()).sum()
    }
}

#[cfg(test)]
mod tests;
