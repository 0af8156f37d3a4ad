//! Gateways that tell which topics they have subscribers of, and are sent no others.

use std::time::Duration;

use protocol::link::{
    Down, EntryLayout,
    PresenceChange::{
        self, AllTopics, Came, SnapshotBegin, SnapshotEnd, TopicsBegin, TopicsEnd, Unwanted, Wanted,
    },
    PushEntries, TargetRef,
};
use serde_json::json;

use crate::{
    gateway::{Connection, TestGateway},
    pusher::{Pusher, pusher},
};

/// A gateway in step, and the number of its last change.
struct Linked {
    connection: Connection,
    changes: u64,
}

impl Linked {
    async fn to(gateway: &TestGateway) -> Self {
        let mut connection = gateway.accept().await;
        connection.welcome(1, 0).await;
        connection.snapshot(&["u"]).await;
        Self { connection, changes: 3 }
    }

    async fn tell(&mut self, changes: &[PresenceChange<'_>]) {
        self.changes += changes.len() as u64;
        self.connection.presence(self.changes, changes).await;
        self.connection.presence_ack(self.changes).await;
    }

    /// What is sent of pushes to these topics and, behind them, one to a user.
    async fn sent(&mut self, pusher: &Pusher, topics: &[&str]) -> Vec<String> {
        for topic in topics {
            let body = json!({"to": {"topic": topic}, "data": 1}).to_string();
            assert_eq!(pusher.post("/v1/push", body).await.0, 202);
        }
        assert_eq!(pusher.push("u", 1).await, 202);
        let mut sent = Vec::new();
        loop {
            let Down::Batch { pushes, .. } = self.connection.receive().await else {
                panic!("expected a batch")
            };
            for entry in PushEntries::new(&pushes, EntryLayout::Framed) {
                match entry.expect("an entry").target {
                    TargetRef::Topic(topic) => sent.push(topic.to_owned()),
                    TargetRef::User("u") => return sent,
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

async fn await_topics(pusher: &Pusher, count: usize) {
    let wanted = format!("}} {count}\n");
    for _ in 0..10_000 {
        let text = pusher.text("/metrics").await;
        let line = text.split_once("\nholdfast_pusher_link_topics{").expect("a gauge").1;
        if line.contains(&wanted) && line.find(&wanted) < line.find("\n") {
            return;
        }
        actix_rt::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{count} topics were never known");
}

#[actix_rt::test]
async fn topics_are_sent_where_they_are_wanted_or_may_be() {
    let gateway = TestGateway::bind().await;
    let pusher =
        pusher(&[&gateway], |settings| settings.link_grace = Duration::from_secs(600)).await;
    let mut linked = Linked::to(&gateway).await;
    pusher.until_ready().await;
    assert_eq!(linked.sent(&pusher, &["a", "b"]).await, ["a", "b"], "it has told nothing");
    linked.tell(&[TopicsBegin, Wanted("a")]).await;
    assert_eq!(linked.sent(&pusher, &["a", "b"]).await, ["a", "b"], "there may be more");
    linked.tell(&[TopicsEnd]).await;
    assert_eq!(linked.sent(&pusher, &["a", "b"]).await, ["a"]);
    linked.tell(&[Unwanted("a"), Wanted("b")]).await;
    assert_eq!(linked.sent(&pusher, &["a", "b", "c"]).await, ["b"]);
    await_topics(&pusher, 1).await;

    linked.tell(&[AllTopics]).await;
    assert_eq!(linked.sent(&pusher, &["a", "b", "c"]).await, ["a", "b", "c"]);
    await_topics(&pusher, 0).await;
    linked.tell(&[TopicsBegin, Wanted("c"), TopicsEnd]).await;
    assert_eq!(linked.sent(&pusher, &["a", "b", "c"]).await, ["c"]);
    let body = json!({"to": {"all": true}, "data": 1}).to_string();
    assert_eq!(pusher.post("/v1/push", body).await.0, 202);
    assert!(matches!(linked.connection.receive().await, Down::Batch { .. }), "it goes everywhere");
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_lost_gateway_may_want_any_topic_and_its_list_is_forgotten() {
    let gateway = TestGateway::bind().await;
    let pusher =
        pusher(&[&gateway], |settings| settings.link_grace = Duration::from_secs(600)).await;
    let mut linked = Linked::to(&gateway).await;
    pusher.until_ready().await;
    linked.tell(&[TopicsBegin, Wanted("a"), Wanted("b"), TopicsEnd]).await;
    await_topics(&pusher, 2).await;
    drop(linked);
    pusher.until_state("lost").await;
    await_topics(&pusher, 0).await;
    let body = json!({"to": {"topic": "new"}, "data": 1}).to_string();
    assert_eq!(pusher.post("/v1/push", body).await.0, 202);
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    let mut linked = Linked { connection, changes: 0 };
    assert_eq!(linked.sent(&pusher, &["other"]).await, ["new", "other"]);
    linked.tell(&[SnapshotBegin, Came("u"), SnapshotEnd]).await;
    linked.tell(&[TopicsBegin, Wanted("new"), TopicsEnd]).await;
    assert_eq!(linked.sent(&pusher, &["other", "a", "new"]).await, ["new"]);
    await_topics(&pusher, 1).await;
    pusher.running.stop();
}

#[actix_rt::test]
async fn who_is_subscribed_nowhere_is_not_online() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let mut linked = Linked::to(&gateway).await;
    pusher.until_ready().await;
    linked.tell(&[TopicsBegin, TopicsEnd]).await;
    let body = json!({"to": {"topic": "a"}, "data": 1}).to_string();
    let (status, receipt) = pusher.post("/v1/push?receipt=5s", body).await;
    assert_eq!(
        (status, &receipt["online"], &receipt["complete"]),
        (200, &false.into(), &true.into())
    );
    pusher.running.stop();
}
