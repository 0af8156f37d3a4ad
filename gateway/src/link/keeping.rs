//! Keeps sessions in step with the store: asks it which logs have changed, tells it what clients have, and has
//! those begin that could not ask it.
//!
//! What was stored and not forwarded shows in the end of its log. It is looked at whenever a way to the store is lost
//! or found, and every few seconds; so nothing that was stored waits for the next push to its user.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use protocol::{
    kept::{Log, Place},
    link::{StoreAnswer, StoreQuestion},
};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};
use tracing::debug;

use crate::{
    delivery::topic_reader::TopicReader,
    gateway::Gateway,
    session::{Head, StoreBack},
    uplink::stores::Standing,
};

/// How often it is asked what has changed.
const LOOK: Duration = Duration::from_secs(3);
/// How long what has changed has to be forwarded, where nothing was interrupted: who reads it before that gets it in
/// front of what was accepted earlier and is on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(1);
/// Ends of logs that wait for it.
const MOST_WAITING: usize = 100_000;
/// Sessions told in a row, and the pause until others are.
const IN_A_ROW: usize = 2048;
const PAUSE: Duration = Duration::from_millis(10);

/// Does both from now on, on this thread.
pub(crate) fn spawn(gateway: &Arc<Gateway>) {
    let (one, other) = (Arc::clone(gateway), Arc::clone(gateway));
    actix_rt::spawn(async move { keep(&one).await });
    actix_rt::spawn(async move { acknowledge(&other).await });
}

/// Keeps sessions in step, for as long as it is polled.
async fn keep(gateway: &Arc<Gateway>) -> Infallible {
    let stores = &gateway.directory.stores;
    loop {
        // Either way it is looked.
        let was_interrupted = timeout(LOOK, stores.changed()).await.is_ok();
        if stores.standing() != Standing::Here {
            continue;
        }
        let pause = if was_interrupted { Duration::ZERO } else { ON_ITS_WAY };
        let position = take_changes(gateway, stores.position(), pause).await;
        stores.set_position(position);
        let topics = &gateway.directory.topics;
        gateway.fan_out.feeds.keep(|topic| topics.count(topic.as_str()) > 0);
        if stores.take_stranded() {
            call_back(gateway).await;
        }
    }
}

/// Tells the store what clients have, for as long as it is polled.
async fn acknowledge(gateway: &Arc<Gateway>) -> Infallible {
    let waiting = &gateway.directory.acknowledgements;
    loop {
        sleep(gateway.settings.ack_delay).await;
        let asked = waiting.send().into_iter().map(async |all| {
            let answer = ask(gateway, StoreQuestion::Acknowledge(all.clone())).await;
            waiting.settle(all, answer == Some(StoreAnswer::Acknowledged));
        });
        futures::future::join_all(asked).await;
    }
}

async fn ask(gateway: &Gateway, question: StoreQuestion) -> Option<StoreAnswer> {
    let (tell, told) = oneshot::channel();
    let asker = Box::new(move |answer| drop(tell.send(answer)));
    gateway.directory.stores.ask(question, Instant::now(), asker);
    told.await.ok()
}

/// Tells sessions where their logs end, of those that have changed since this position, after a pause. Returns the
/// next one.
async fn take_changes(
    gateway: &Gateway,
    mut position: Option<Bytes>,
    pause: Duration,
) -> Option<Bytes> {
    loop {
        let (changed, next, more) = changed_since(gateway, position).await;
        if !changed.is_empty() {
            sleep(pause).await;
        }
        for heads in changed.chunks(IN_A_ROW) {
            heads.iter().for_each(|(log, end)| tell(gateway, log, *end));
            sleep(PAUSE).await;
        }
        position = next;
        if !more {
            return position;
        }
    }
}

/// The logs that have changed since this position, with their ends, the next position, and whether there is more.
async fn changed_since(
    gateway: &Gateway,
    mut position: Option<Bytes>,
) -> (Vec<(Log, Place)>, Option<Bytes>, bool) {
    let mut changed = Vec::new();
    loop {
        let answer = ask(gateway, StoreQuestion::ChangedSince(position.clone())).await;
        let Some(StoreAnswer::Changes { heads, position: next, more }) = answer else {
            debug!(?answer, "the store did not say what has changed");
            return (changed, position, false);
        };
        changed.extend(heads);
        position = Some(next);
        if !more || changed.len() >= MOST_WAITING {
            return (changed, position, more);
        }
    }
}

fn tell(gateway: &Gateway, log: &Log, end: Place) {
    let Gateway { directory, fan_out, push_memory, .. } = gateway;
    let user = match log {
        Log::User(user) => user,
        Log::Topic(topic) => {
            return TopicReader::new(directory, fan_out, push_memory).look(topic, end);
        }
    };
    let registry = &gateway.directory.registry;
    registry.visit(user.as_str(), |session| {
        if let Some(session) = session.address.upgrade() {
            session.do_send(Head(end));
        }
    });
}

/// Has all sessions look whether they have asked the store.
async fn call_back(gateway: &Arc<Gateway>) {
    let directory = Arc::clone(&gateway.directory);
    let users = actix_rt::task::spawn_blocking(move || directory.registry.all_users()).await;
    for users in users.unwrap_or_default().chunks(IN_A_ROW) {
        for user in users {
            gateway.directory.registry.visit(user.as_str(), |session| {
                if let Some(session) = session.address.upgrade() {
                    session.do_send(StoreBack);
                }
            });
        }
        sleep(PAUSE).await;
    }
}
