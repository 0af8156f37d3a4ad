//! Tells pusher-apis which topics somebody here is subscribed to, so that pushes to others do not come.

use std::{convert::Infallible, sync::Arc, time::Duration};

use protocol::link::{MAX_TOPICS_TOLD, PresenceChange, Terms};
use tokio::time::sleep;

use crate::{gateway::Gateway, uplink::queue::LinkQueue};

/// Topics named before it is looked whether there is room for more.
const PAGE: usize = 1024;
/// How often it is looked whether topics that were too many can be told again.
const LOOK: Duration = Duration::from_secs(1);

/// Names them, and once more when they were too many in between, for as long as it is polled. What
/// changes is told by whoever changes it.
pub(super) async fn keep_told(
    gateway: &Arc<Gateway>,
    link: &Arc<LinkQueue>,
    terms: Terms,
) -> Infallible {
    if !terms.tells_topics() {
        std::future::pending::<()>().await;
    }
    let mut again = false;
    loop {
        if !link.tells_topics() && are_few(gateway.directory.topics.known(), again) {
            name_all(gateway, link).await;
            again = true;
        }
        sleep(LOOK).await;
    }
}

/// Whether so many topics are named: not again and again where they are about as many as may be.
fn are_few(topics: usize, again: bool) -> bool {
    topics <= if again { MAX_TOPICS_TOLD / 2 } else { MAX_TOPICS_TOLD }
}

/// Names every topic, page by page, as the pusher-api takes them. On a thread of its own; changes that
/// happen meanwhile go into the same queue with the topic's shard locked, and so in true order.
async fn name_all(gateway: &Arc<Gateway>, link: &Arc<LinkQueue>) {
    let (gateway, link) = (Arc::clone(gateway), Arc::clone(link));
    let naming = actix_rt::task::spawn_blocking(move || {
        let topics = &gateway.directory.topics;
        // Before the names are gathered: who subscribes from now on is told as a change.
        link.append(PresenceChange::TopicsBegin);
        for page in topics.all().chunks(PAGE) {
            // Not with a topic locked.
            if !link.wait_for_room() || !link.tells_topics() {
                return;
            }
            for topic in page {
                let wanted = PresenceChange::Wanted(topic.as_str());
                topics.while_subscribed(topic, || link.append(wanted));
            }
        }
        link.append(PresenceChange::TopicsEnd);
    });
    // A panic leaves the pusher-api without an end of the list, and so sending everything.
    let _ = naming.await;
}

#[cfg(test)]
mod tests;
