//! Tells pusher-apis how many sessions this gateway has and can take, so that others ask theirs to come back
//! only where there is room.

use std::{convert::Infallible, sync::atomic::Ordering, time::Duration};

use protocol::link::{Load, Terms, Up};
use serving::changes;

use crate::{gateway::Gateway, uplink::queue::LinkQueue};

/// How often it is told while it changes.
const INTERVAL: Duration = Duration::from_millis(250);

/// Tells it whenever it has changed, for as long as it is polled.
pub(super) async fn keep_told(gateway: &Gateway, link: &LinkQueue, terms: Terms) -> Infallible {
    if !terms.tells_load() {
        std::future::pending::<()>().await;
    }
    changes::tell(INTERVAL, || measured(gateway), |load| link.send(&Up::Load(load))).await
}

fn measured(gateway: &Gateway) -> Load {
    let Gateway { admission, settings, .. } = gateway;
    let sessions = admission.sessions();
    let room = match gateway.is_ready.load(Ordering::Relaxed) {
        true => admission.max_sessions().saturating_sub(sessions),
        false => 0,
    };
    let per_second = match settings.handshake_rate {
        0 => u32::MAX,
        rate => rate,
    };
    Load { sessions: sessions as u64, room: room as u64, per_second }
}
