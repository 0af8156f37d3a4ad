//! What gateways are told of messages that are kept, and what they are answered.

use std::{path::PathBuf, time::Duration};

use protocol::{
    Device, Topic, UserId,
    kept::{Acknowledged, Following, From, Gap, Gaps, Log, Place, Step},
    link::{
        Capabilities, Capability, Down, EntryLayout, LogPage, Offer, PushEntries, StoreAnswer,
        StoreQuestion, TargetRef, Up,
    },
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    gateway::{Connection, TestGateway},
    pusher::{Pusher, pusher},
};

/// A directory that goes with its test.
struct Data(PathBuf);

impl Data {
    fn new(name: &str) -> Self {
        let name = format!("holdfast-link-{}-{name}.d", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

async fn keeper(gateways: &[&TestGateway], data: &Data) -> Pusher {
    pusher(gateways, |settings| {
        settings.kept.data = Some(data.0.clone());
        settings.link_grace = Duration::from_secs(600);
    })
    .await
}

/// Takes the hello, and says who is there. Returns which store is named.
async fn join(connection: &mut Connection, instance: u128, users: &[&str]) -> Option<Uuid> {
    connection.welcome(instance, 0).await;
    let Down::Store(store) = connection.next().await else { panic!("expected the store") };
    connection.snapshot(users).await;
    store
}

async fn keep(pusher: &Pusher, to: Value, data: u32) -> u16 {
    let body = json!({ "to": to, "data": data, "ttl": 60 }).to_string();
    pusher.post("/v1/push", body).await.0
}

/// Targets and frames of the next batch.
async fn told(connection: &mut Connection) -> Vec<(Vec<(String, Step)>, Value)> {
    let Down::Batch { seq, pushes } = connection.receive().await else { panic!("a batch") };
    connection.send(&Up::BatchAck { seq, queued_bytes: 0 }).await;
    let entries = PushEntries::new(&pushes, EntryLayout::Framed);
    let told = entries.map(|entry| {
        let entry = entry.expect("an entry");
        let target = match entry.target {
            TargetRef::KeptUsers(users) => {
                users.into_iter().map(|(user, step)| (user.to_owned(), step)).collect()
            }
            TargetRef::KeptTopic(topic, step) => vec![(format!("#{topic}"), step)],
            other => panic!("{other:?}"),
        };
        (target, frame(entry.frame))
    });
    told.collect()
}

/// A frame whose cursor is still to come.
fn frame(bytes: &[u8]) -> Value {
    let whole = [bytes, b"}"].concat();
    serde_json::from_slice(&whole).expect("JSON")
}

async fn asked(connection: &mut Connection, question: u64, body: StoreQuestion) -> StoreAnswer {
    connection.send(&Up::StoreQuestion { question, body }).await;
    let Down::StoreAnswer { question: answered, body } = connection.receive().await else {
        panic!("expected an answer")
    };
    assert_eq!(answered, question);
    body
}

async fn page(connection: &mut Connection, body: StoreQuestion) -> LogPage {
    match asked(connection, 7, body).await {
        StoreAnswer::Page(page) => page,
        other => panic!("{other:?}"),
    }
}

fn user(name: &str) -> Log {
    Log::User(UserId::new(name).expect("a user"))
}

fn read(log: Log, from: From) -> StoreQuestion {
    StoreQuestion::Read { log, from }
}

fn data(page: &LogPage) -> Vec<Value> {
    page.messages.iter().map(|(_, bytes)| frame(bytes)["data"].clone()).collect()
}

#[actix_rt::test]
async fn what_is_kept_is_told_with_its_place_and_can_be_read() {
    let (gateway, data_of) = (TestGateway::bind().await, Data::new("told"));
    let pusher = keeper(&[&gateway], &data_of).await;
    let mut connection = gateway.accept().await;
    assert!(join(&mut connection, 1, &["u", "v"]).await.is_some());
    pusher.until_ready().await;

    assert_eq!(keep(&pusher, json!({ "user": "u" }), 1).await, 202);
    let first = told(&mut connection).await;
    let [(users, frame)] = &first[..] else { panic!("{first:?}") };
    let (name, step) = &users[0];
    assert_eq!((name.as_str(), &frame["data"], frame.get("topic")), ("u", &json!(1), None));
    assert!(step.place.number > step.before.number);

    assert_eq!(keep(&pusher, json!({ "users": ["u", "v", "away"] }), 2).await, 202);
    let second = told(&mut connection).await;
    let names: Vec<_> = second[0].0.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["u", "v"]);
    assert_eq!(second[0].0[0].1.before, step.place, "it follows the first");

    let all = page(&mut connection, read(user("u"), From::Start)).await;
    assert_eq!((data(&all), all.rest, all.gaps), (vec![json!(1), json!(2)], 0, Gaps::NONE));
    assert_eq!(second[0].0[0].1.seen_from(all.through), Following::Past);
    let rest = page(&mut connection, read(user("u"), From::After(step.place))).await;
    assert_eq!(data(&rest), [json!(2)]);
    let away = page(&mut connection, read(user("away"), From::Start)).await;
    assert_eq!(data(&away), [json!(2)]);
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_topic_is_told_once_and_read_with_its_name() {
    let (gateway, data_of) = (TestGateway::bind().await, Data::new("topic"));
    let pusher = keeper(&[&gateway], &data_of).await;
    let mut connection = gateway.accept().await;
    join(&mut connection, 1, &[]).await;
    pusher.until_ready().await;
    let StoreAnswer::Changes { position, more: false, .. } =
        asked(&mut connection, 1, StoreQuestion::ChangedSince(None)).await
    else {
        panic!("expected a position")
    };
    assert_eq!(keep(&pusher, json!({ "topic": "t" }), 1).await, 202);
    let told = told(&mut connection).await;
    assert_eq!((told[0].0[0].0.as_str(), &told[0].1["topic"]), ("#t", &json!("t")));
    let log = Log::Topic(Topic::new("t").expect("a topic"));
    let all = page(&mut connection, read(log.clone(), From::Start)).await;
    assert_eq!(frame(&all.messages[0].1)["topic"], "t");
    let changed = asked(&mut connection, 2, StoreQuestion::ChangedSince(Some(position))).await;
    let StoreAnswer::Changes { heads, .. } = changed else { panic!("{changed:?}") };
    assert_eq!(heads, [(log, told[0].0[0].1.place)]);
    pusher.running.stop();
}

#[actix_rt::test]
async fn what_was_acknowledged_is_behind_a_session_that_begins() {
    let (gateway, data_of) = (TestGateway::bind().await, Data::new("acknowledged"));
    let pusher = keeper(&[&gateway], &data_of).await;
    let mut connection = gateway.accept().await;
    join(&mut connection, 1, &["u"]).await;
    pusher.until_ready().await;
    let name = UserId::new("u").expect("a user");
    let device = Some(Device::new("phone").expect("a device"));
    let begin = || StoreQuestion::Begin { user: name.clone(), device: device.clone(), after: None };
    assert_eq!(data(&page(&mut connection, begin()).await), <[Value; 0]>::default());
    for number in 1..=3 {
        assert_eq!(keep(&pusher, json!({ "user": "u" }), number).await, 202);
        told(&mut connection).await;
    }
    let all = page(&mut connection, begin()).await;
    assert_eq!(data(&all), [json!(1), json!(2), json!(3)]);
    let place = all.messages[1].0;
    let acknowledged = vec![Acknowledged { user: name.clone(), device: device.clone(), place }];
    let answer = asked(&mut connection, 9, StoreQuestion::Acknowledge(acknowledged)).await;
    assert_eq!(answer, StoreAnswer::Acknowledged);
    assert_eq!(data(&page(&mut connection, begin()).await), [json!(3)]);
    let unknown = Place { number: 1, check: 77 };
    let page = page(&mut connection, read(user("u"), From::After(unknown))).await;
    assert_eq!(page.gaps, Gaps::NONE.with(Gap::UnknownCursor));
    pusher.running.stop();
}

#[actix_rt::test]
async fn what_a_gateway_is_not_there_for_is_not_queued_for_it() {
    let (gateway, data_of) = (TestGateway::bind().await, Data::new("away"));
    let pusher = keeper(&[&gateway], &data_of).await;
    let mut connection = gateway.accept().await;
    let store = join(&mut connection, 1, &["u"]).await;
    pusher.until_ready().await;
    drop(connection);
    pusher.until_state("lost").await;
    assert_eq!(keep(&pusher, json!({ "user": "u" }), 1).await, 202);
    assert_eq!(pusher.push("u", 2).await, 202, "it may come back");
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    assert_eq!(connection.next().await, Down::Store(store));
    assert_eq!(connection.pushes(1).await, [("u".into(), json!(2))]);
    assert_eq!(data(&page(&mut connection, read(user("u"), From::Start)).await), [json!(1)]);
    let text = pusher.text("/metrics").await;
    assert!(text.contains("holdfast_store_untold_total{reason=\"gateway_away\"} 1"), "{text}");
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_gateway_that_holds_to_another_store_is_told_apart_until_it_does_no_more() {
    let (one, two, data_of) =
        (TestGateway::bind().await, TestGateway::bind().await, Data::new("other"));
    let pusher = keeper(&[&one, &two], &data_of).await;
    let (mut first, mut second) = (one.accept().await, two.accept().await);
    let ours = join(&mut first, 1, &["u"]).await.expect("a store");
    join(&mut second, 2, &["v"]).await;
    pusher.until_ready().await;
    let theirs = Uuid::from_u128(9);
    first.send(&Up::Store(Some(ours))).await;
    second.send(&Up::Store(Some(theirs))).await;
    let other_store = "holdfast_store_other_store_gateways 1";
    while !pusher.text("/metrics").await.contains(other_store) {}
    let refused = pusher.post("/v1/push", r#"{"to":{"user":"u"},"data":1,"ttl":60}"#).await;
    let detail = refused.1["detail"].as_str().expect("a detail");
    assert_eq!((refused.0, &refused.1["pointer"]), (501, &json!("/ttl")));
    for part in ["other_store", &theirs.to_string(), &ours.to_string(), "g2"] {
        assert!(detail.contains(part), "{part} in {detail}");
    }
    assert_eq!(pusher.push("u", 1).await, 202, "live ones go on");
    let (status, ready) = pusher.get("/readyz").await;
    assert_eq!(status, 200);
    assert!(ready["but"][0].as_str().is_some_and(|but| but.contains("other_store")), "{ready}");
    second.send(&Up::Store(Some(ours))).await;
    while keep(&pusher, json!({ "user": "u" }), 1).await == 501 {}
    assert_eq!(keep(&pusher, json!({ "user": "u" }), 1).await, 202);
    pusher.running.stop();
}

#[actix_rt::test]
async fn a_gateway_of_an_older_build_is_told_nothing_of_it() {
    let (gateway, data_of) = (TestGateway::bind().await, Data::new("older"));
    let pusher = keeper(&[&gateway], &data_of).await;
    let without = !(1 << Capability::Acknowledgements as u64);
    let capabilities = Capabilities::from_bits(Capabilities::OFFERED.bits() & without);
    let offer = Offer::new(1, 2, capabilities).expect("an offer");
    let fields = format!("{}: {offer}\r\n", protocol::link::OFFER_HEADER);
    let (mut connection, _) = gateway.accept_with(&fields).await;
    let Down::Hello { .. } = connection.next().await else { panic!("expected a hello") };
    let (instance, gateway_name) = (Uuid::from_u128(1), "g1".to_owned());
    connection.send(&Up::Welcome { offer, instance, last_seq: 0, gateway: gateway_name }).await;
    connection.snapshot(&["u"]).await;
    pusher.until_ready().await;
    assert_eq!(keep(&pusher, json!({ "user": "u" }), 1).await, 202);
    assert_eq!(pusher.push("u", 2).await, 202);
    assert_eq!(connection.pushes(1).await, [("u".into(), json!(2))]);
    let text = pusher.text("/metrics").await;
    assert!(text.contains("holdfast_store_untold_total{reason=\"older_build\"} 1"), "{text}");
    pusher.running.stop();
}

#[actix_rt::test]
async fn many_questions_are_all_answered_and_pushes_find_their_way() {
    let (gateway, data_of) = (TestGateway::bind().await, Data::new("many"));
    let pusher = keeper(&[&gateway], &data_of).await;
    let mut connection = gateway.accept().await;
    join(&mut connection, 1, &["u"]).await;
    pusher.until_ready().await;
    for question in 0..2000 {
        let body = read(user(&format!("u{question}")), From::Start);
        connection.send(&Up::StoreQuestion { question, body }).await;
    }
    assert_eq!(pusher.push("u", 5).await, 202);
    let (mut answered, mut pushed) = (vec![false; 2000], false);
    while !pushed || answered.contains(&false) {
        match connection.receive().await {
            Down::StoreAnswer { question, body: StoreAnswer::Page(_) } => {
                assert!(!std::mem::replace(&mut answered[question as usize], true));
            }
            Down::Batch { .. } => pushed = true,
            other => panic!("{other:?}"),
        }
    }
    pusher.running.stop();
}

#[actix_rt::test]
async fn without_a_store_gateways_are_told_so() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let mut connection = gateway.accept().await;
    assert_eq!(join(&mut connection, 1, &[]).await, None);
    let answer = asked(&mut connection, 1, read(user("u"), From::Start)).await;
    assert!(matches!(answer, StoreAnswer::Away(_)), "{answer:?}");
    pusher.running.stop();
}
