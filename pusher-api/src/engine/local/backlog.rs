//! Whether gateways can bring another push to a topic or to everybody in time.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};

use super::link::{fan_out::FanOuts, handle::Link};
use crate::{
    engine::contract::{Haste, Refused},
    validate::To,
};

/// How long a patient request waits for gateways that are behind. After that, what they cannot bring
/// in time is refused until they can.
const PATIENCE: Duration = Duration::from_secs(5);
/// Gateways tell more often than this how they get on.
const LOOK: Duration = Duration::from_millis(25);

/// How long a request waits for gateways that are behind.
pub(super) fn fan_out_patience(haste: Haste) -> Duration {
    match haste {
        Haste::Now => Duration::ZERO,
        Haste::Patient => PATIENCE,
    }
}

/// What a push adds to the work of each gateway.
pub(super) fn fan_outs_of(to: &To<'_>) -> FanOuts {
    match to {
        To::User(_) | To::Users(_) => FanOuts::default(),
        To::Topic(_) => FanOuts { all: 0, topics: 1 },
        To::All(_) => FanOuts { all: 1, topics: 0 },
    }
}

/// The gateway that is furthest behind for these, and for how long.
pub(super) fn first_behind<'a>(
    links: impl IntoIterator<Item = &'a Arc<Link>>,
    more: FanOuts,
) -> Option<(&'a Link, Duration)> {
    let open = links.into_iter().filter(|link| link.is_open());
    let behind = open.filter_map(|link| Some((&**link, link.fan_outs.wait_for(more)?)));
    behind.max_by_key(|(_, wait)| *wait)
}

/// Waits at most so long until none of them is behind.
///
/// # Errors
/// One still is; it is named.
pub(super) async fn within(
    patience: Duration,
    links: &[Arc<Link>],
    more: FanOuts,
) -> Result<(), Refused> {
    let deadline = Instant::now() + patience;
    while let Some((link, wait)) = first_behind(links, more) {
        let now = Instant::now();
        if now >= deadline {
            return Err(Refused::Behind(link.name().to_string(), wait));
        }
        sleep(LOOK.min(deadline - now)).await;
    }
    Ok(())
}
