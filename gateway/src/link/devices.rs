//! What pusher-apis say of other gateways and of the devices whose sessions are there: which of them decides
//! is chosen, and a session gives way to a newer one elsewhere. See docs/decisions/devices.md.

use std::sync::Arc;

use protocol::{
    CloseReason, SessionId,
    link::{Claim, DeviceNotice},
};
use tracing::{debug, warn};

use crate::{
    gateway::Gateway,
    session::{Address, Close, Directory},
    uplink::{
        deciders::{MOST_PEERS, Word},
        queue::LinkQueue,
        way::Way,
    },
};

/// Acts on it.
pub(super) fn on_notice(gateway: &Gateway, link: &Arc<LinkQueue>, notice: DeviceNotice) {
    // What was under way on a connection that its pusher-api has given up for another one.
    if link.is_closed() {
        return;
    }
    let (way, directory) = (Way(Arc::clone(link)), &gateway.directory);
    match notice {
        DeviceNotice::Linked { name, peer } => {
            let mut deciders = gateway.deciders.lock();
            match deciders.linked(&way, name, peer, heard(directory)) {
                Ok(words) => tell(words),
                Err(_) => warn!(most = MOST_PEERS, %peer, "too many gateways; one is not heard of"),
            }
        }
        DeviceNotice::Unlinked { peer } => {
            tell(gateway.deciders.lock().unlinked(&way, peer, heard(directory)));
        }
        DeviceNotice::Claimed { user, device, peer, through, claim } => {
            let deciders = gateway.deciders.lock();
            if !deciders.decides(&way, peer) || !link.knows_choice(peer, through) {
                return;
            }
            let stays = |session| {
                // It comes later in the one order that both follow.
                let is_newer = link.is_claimed_since(session, through);
                let contests =
                    !is_newer && claim == Claim::Held && deciders.is_unheard(session, peer);
                if contests {
                    link.claim(&user, &device, session, Claim::New);
                }
                is_newer || contests
            };
            let feed = &directory.presence;
            let replaced = directory.registry.contend(&user, &device, stays, feed);
            if let Some(older) = replaced.as_ref().and_then(Address::upgrade) {
                debug!(%peer, "a session of the same device has begun at another gateway");
                older.do_send(Close(CloseReason::Replaced));
            }
        }
        DeviceNotice::Asked { user } => drop(directory.registry.visit(user.as_str(), |session| {
            if let Some(device) = &session.device {
                link.claim(&user, device, session.id, Claim::Held);
            }
        })),
    }
}

/// The link is gone; others may decide from now on. To be called before its queue forgets anything.
pub(super) fn on_loss(gateway: &Gateway, link: &Arc<LinkQueue>) {
    let way = Way(Arc::clone(link));
    tell(gateway.deciders.lock().lost(&way, heard(&gateway.directory)));
}

/// Which of our sessions is the first of which a link may not have heard.
fn heard(directory: &Directory) -> impl Fn(&Way) -> SessionId {
    |way| way.0.heard_until(directory.upcoming_session_id())
}

fn tell(words: Vec<Word<Way>>) {
    words.iter().for_each(|(way, word)| way.0.append(*word));
}
