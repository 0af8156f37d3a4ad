//! Tells pusher-apis how far this gateway is behind with fan-outs, so that they take no more of them
//! than it can bring in time.

use std::{convert::Infallible, time::Duration};

use protocol::link::{FanOutWork, Terms, Up};
use serving::changes;

use crate::{gateway::Gateway, uplink::queue::LinkQueue};

/// How often it is told while it changes.
const INTERVAL: Duration = Duration::from_millis(50);

/// Tells it now. To be sent before the acknowledgement of the batch that made the work.
pub(super) fn tell(gateway: &Gateway, link: &LinkQueue, terms: Terms) {
    if terms.tells_fan_out_work() {
        link.send(&Up::FanOutWork(measured(gateway)));
    }
}

/// Tells it whenever it has changed, for as long as it is polled.
pub(super) async fn keep_told(gateway: &Gateway, link: &LinkQueue, terms: Terms) -> Infallible {
    if !terms.tells_fan_out_work() {
        std::future::pending::<()>().await;
    }
    changes::tell(INTERVAL, || measured(gateway), |work| link.send(&Up::FanOutWork(work))).await
}

fn measured(gateway: &Gateway) -> FanOutWork {
    let burden = gateway.fan_out.burden(&gateway.directory.topics);
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    FanOutWork {
        behind_micros: micros(burden.behind),
        all_micros: micros(burden.all),
        topic_micros: micros(burden.topic),
    }
}
