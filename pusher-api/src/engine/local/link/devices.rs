//! Hands on the claims of devices between gateways, in the one order in which they come here; asks for them
//! once more where two gateways have not heard of each other. See docs/decisions/devices.md.

use std::{collections::BTreeSet, sync::Arc, thread, time::Duration};

use protocol::{
    Device, UserId,
    link::{Claim, DeviceNotice},
};
use serving::metrics::signed;
use tracing::info;
use uuid::Uuid;

use super::{decided::Pair, handle::Link, services::Services};
use crate::status::{GatewayIndex, GatewayIndexes};

/// Users that are looked up in a row when gateways hear of each other again.
const PAGE: usize = 16 * 1024;
/// How long it takes until it is looked again whether gateways have room for more.
const PAUSE: Duration = Duration::from_millis(2);

/// A connected gateway that claims devices, until its connection ends.
pub(super) struct Joined {
    link: Arc<Link>,
    services: Arc<Services>,
}

impl Joined {
    /// Tells it of the others, and them of it.
    pub(super) fn new(link: &Arc<Link>, services: &Arc<Services>) -> Option<Self> {
        let instance = link.instance()?;
        let name = services.decided.name;
        for (other, peer) in services.decided.pairs.lock().connected(link.index, instance) {
            link.notice(&DeviceNotice::Linked { name, peer });
            tell(services, other, &DeviceNotice::Linked { name, peer: instance });
        }
        Some(Self { link: Arc::clone(link), services: Arc::clone(services) })
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        let ended = self.services.decided.pairs.lock().ended(self.link.index);
        show(&self.services);
        let Some((peer, others)) = ended else { return };
        for other in others {
            tell(&self.services, other, &DeviceNotice::Unlinked { peer });
        }
    }
}

fn tell(services: &Services, gateway: GatewayIndex, notice: &DeviceNotice) {
    if let Some(link) = services.gateways.find(gateway) {
        link.notice(notice);
    }
}

/// A gateway has chosen this process to decide between it and another one.
pub(super) fn on_chosen(services: &Arc<Services>, link: &Link, instance: Uuid) {
    let chosen = services.decided.pairs.lock().chose(link.index, instance);
    show(services);
    let Some(other) = chosen.and_then(|other| services.gateways.find(other)) else { return };
    // Whom one without users gets, it names; see `on_named`.
    if link.has_users() && other.has_users() && services.decided.want(link.index, other.index) {
        let services = Arc::clone(services);
        tokio::task::spawn_blocking(move || walk(&services));
    }
}

/// A gateway has chosen another pusher-api, or none.
pub(super) fn on_left(services: &Services, link: &Link, instance: Uuid) {
    services.decided.pairs.lock().left(link.index, instance);
    show(services);
}

fn show(services: &Services) {
    services.metrics.links.device_pairs.set(signed(services.decided.pairs.lock().decided()));
}

/// A gateway has claimed a device: every other one that holds the user, or may, is told.
pub(super) fn on_claim(
    services: &Services,
    link: &Link,
    (user, device): (&str, &str),
    claim: Claim,
) {
    let holders = services.presence.gateways_of(user);
    let links = services.gateways.all();
    let pairs = services.decided.pairs.lock();
    let Some(peer) = pairs.instance(link.index) else { return };
    let mut concerned = links.iter().filter(|other| {
        (holders.contains(&other.index) || !other.is_in_step())
            && pairs.decides(link.index, other.index)
    });
    let Some(first) = concerned.next() else { return };
    // Names were checked where they entered the system.
    let (Ok(user), Ok(device)) = (UserId::new(user), Device::new(device)) else { return };
    for other in std::iter::once(first).chain(concerned) {
        services.metrics.links.claims_told.inc();
        let (user, device, through) = (user.clone(), device.clone(), other.heard());
        other.notice(&DeviceNotice::Claimed { user, device, peer, through, claim });
    }
}

/// A gateway names a user who is at other gateways, too, while it reports whom it has.
pub(super) fn on_named(services: &Services, link: &Link, user: &str) {
    let holders = services.presence.gateways_of(user);
    let pairs = services.decided.pairs.lock();
    let elders = holders.iter().filter_map(|other| pairs.elder(link.index, *other)).collect();
    drop(pairs);
    ask(services, user, elders);
}

/// Has these gateways say which devices of a user they have.
fn ask(services: &Services, user: &str, mut gateways: GatewayIndexes) {
    let Ok(name) = UserId::new(user) else { return };
    gateways.sort_unstable();
    gateways.dedup();
    for gateway in gateways {
        services.metrics.links.claims_asked.inc();
        tell(services, gateway, &DeviceNotice::Asked { user: name.clone() });
    }
}

/// Whether a gateway has enough to read of devices. What more there is waits.
pub(super) fn is_crowded(services: &Services) -> bool {
    services.gateways.all().iter().any(|link| link.is_crowded())
}

/// Waits, as long as a gateway has enough to read; one that does not read is lost before long.
pub(super) async fn room(services: &Services) {
    while is_crowded(services) {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks up the users that gateways have in common who hear of each other, and goes on as long as
/// there are such gateways.
fn walk(services: &Services) {
    while let Some(wanted) = services.decided.take_wanted() {
        let concerns = |holders: &GatewayIndexes| !pairs(holders, &wanted).is_empty();
        let users = services.presence.count_shared(&concerns);
        let parts = users / PAGE + 1;
        for part in 0..parts {
            for user in services.presence.shared(&concerns, part, parts) {
                ask_again(services, &user, &wanted);
            }
        }
        info!(users, pairs = wanted.len(), "gateways hear of each other's devices");
    }
}

fn ask_again(services: &Services, user: &str, wanted: &BTreeSet<Pair>) {
    let found = pairs(&services.presence.gateways_of(user), wanted);
    let decided = services.decided.pairs.lock();
    let elders = found.iter().filter_map(|(one, other)| decided.elder(*one, *other)).collect();
    drop(decided);
    ask(services, user, elders);
    while is_crowded(services) {
        thread::sleep(PAUSE);
    }
}

/// Those of the pairs whose gateways both hold a user.
fn pairs(holders: &GatewayIndexes, wanted: &BTreeSet<Pair>) -> Vec<Pair> {
    let others = |place: usize| holders[place + 1..].iter();
    let all = holders.iter().enumerate().flat_map(|(place, one)| {
        others(place).map(move |other| (*one.min(other), *one.max(other)))
    });
    all.filter(|pair| wanted.contains(pair)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_found_in_whatever_order_a_user_came_to_their_gateways() {
        let [one, two, three, four] = [1, 2, 3, 4].map(GatewayIndex);
        let wanted = BTreeSet::from([(one, two), (two, three), (one, four)]);
        let found = |holders: &[GatewayIndex]| pairs(&holders.iter().copied().collect(), &wanted);
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[one]), []);
        assert_eq!(found(&[three, one]), []);
        assert_eq!(found(&[two, one]), [(one, two)]);
        assert_eq!(found(&[three, one, two]), [(two, three), (one, two)]);
    }
}
