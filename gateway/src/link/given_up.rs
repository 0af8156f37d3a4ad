//! Tells sessions that live pushes for them were given up while this gateway could not be reached.
//!
//! The word goes out as a push would, so that it finds its sessions by the same ways, in order with
//! the pushes around it.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use protocol::{
    MessageId, Topic, UserId,
    link::{GivenUp, PushEntry, TargetRef},
    server_frame::ServerFrame,
};
use tokio::{task::yield_now, time::sleep};
use tracing::info;

use crate::{
    delivery::dispatch::Delivery, gateway::Gateway, runtime::acceptance::Accepted,
    session::Address, uplink::queue::LinkQueue,
};

/// Over so many steps everybody is told, so that not all come back to their backends at once.
const STEPS: usize = 300;
/// How long a step takes: thirty seconds in all.
const STEP: Duration = Duration::from_millis(100);
/// Topics that are told in a row.
const TOPICS_IN_A_ROW: usize = 64;

/// Tells them, on the side.
pub(super) fn tell(gateway: &Arc<Gateway>, link: &Arc<LinkQueue>, given_up: GivenUp) {
    let GivenUp { users, topics, everybody } = given_up;
    info!(users = users.len(), topics = topics.len(), everybody, "pushes were given up");
    let gateway = Arc::clone(gateway);
    let mut delivery = gateway.delivery(Arc::clone(link));
    actix_rt::spawn(async move {
        tell_users(&mut delivery, &users);
        tell_topics(&mut delivery, &topics).await;
        if everybody {
            tell_everybody(gateway, delivery).await;
        }
    });
}

fn tell_users(delivery: &mut Delivery<Address>, users: &[UserId]) {
    if !users.is_empty() {
        let names = users.iter().map(UserId::as_str).collect();
        push(delivery, TargetRef::Users(names), None);
    }
}

async fn tell_topics(delivery: &mut Delivery<Address>, topics: &[Topic]) {
    for topics in topics.chunks(TOPICS_IN_A_ROW) {
        for topic in topics {
            push(delivery, TargetRef::Topic(topic.as_str()), Some(topic.as_str()));
        }
        yield_now().await;
    }
}

/// Tells every session in the course of [`STEPS`]. Asked for meanwhile, it begins anew: some may
/// have been told too early.
async fn tell_everybody(gateway: Arc<Gateway>, mut delivery: Delivery<Address>) {
    gateway.everybody.wanted.store(true, Ordering::Relaxed);
    if gateway.everybody.under_way.swap(true, Ordering::Relaxed) {
        return;
    }
    while gateway.everybody.wanted.swap(false, Ordering::Relaxed) {
        let directory = Arc::clone(&gateway.directory);
        let users = actix_rt::task::spawn_blocking(move || directory.registry.all_users()).await;
        let users = users.unwrap_or_default();
        for users in users.chunks(users.len().div_ceil(STEPS).max(1)) {
            tell_users(&mut delivery, users);
            sleep(STEP).await;
        }
    }
    gateway.everybody.under_way.store(false, Ordering::Relaxed);
}

fn push(delivery: &mut Delivery<Address>, target: TargetRef<'_>, topic: Option<&str>) {
    let frame = ServerFrame::Gap { reason: "lost", topic }.encode();
    let id = MessageId::generate();
    let entry = PushEntry {
        id,
        accepted_micros: 0,
        receipt: false,
        target,
        frame: &frame,
        collapse_key: None,
    };
    delivery.push(&entry, Accepted::now());
}
