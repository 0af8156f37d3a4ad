//! A whole gateway against pusher-apis of other builds, played over real sockets: one of version 1,
//! with the bytes that such a build wrote, and newer ones than this.

mod keeping;
mod peers;
mod times;

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use peers::{Client, Pusher, gateway, until_metric};
use protocol::{
    MessageId, Topic, UserId,
    link::{
        Capabilities, Down, EntryLayout, GivenUp, LinkAnswer, LinkRequest, Offer, PresenceChange,
        PresenceChanges, PushEntry, TargetRef, Up,
    },
    receipt::Receipt,
};
use uuid::Uuid;

/// What a build of version 1 wrote.
macro_rules! kept {
    ($name:literal) => {
        include_bytes!(concat!("../../../protocol/tests/link_version_1/frames/", $name))
    };
}

const SWITCH: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: holdfast-link\r\n";

fn names_ada(frame: &Up) -> Option<()> {
    let Up::Presence { changes, .. } = frame else { return None };
    PresenceChanges::new(changes)
        .any(|change| change == Ok(PresenceChange::Came("ada")))
        .then_some(())
}

fn written(frame: &Down) -> BytesMut {
    let mut bytes = BytesMut::new();
    frame.encode(&mut bytes);
    bytes
}

/// A push that was accepted long ago.
fn entry<'a>(id: u128, target: TargetRef<'a>, frame: &'a [u8]) -> PushEntry<'a> {
    let id = MessageId(Uuid::from_u128(id));
    PushEntry { id, accepted_micros: 7, receipt: false, target, frame, collapse_key: None }
}

#[actix_rt::test]
async fn a_pusher_api_of_version_1_is_served_as_it_was() {
    let gateway = gateway(&[]);
    let (mut pusher, answer) = Pusher::ask(&gateway, "").await;
    assert_eq!(answer, format!("{SWITCH}\r\n"));
    pusher.send(kept!("down/hello")).await;
    let welcome = pusher.bytes().await;
    assert_eq!(welcome[..7], [28, 0, 0, 0, 17, 1, 0], "version 1, and nothing but the name behind");
    assert_eq!(&welcome[31..], b"g1");

    let mut client = Client::connect(&gateway, "ada").await;
    pusher.find(names_ada).await;
    pusher.send(kept!("down/presence_ack")).await;
    assert_eq!(client.kind().await, "hello");
    pusher.send(kept!("down/batch")).await;
    for target in ["user", "users", "all"] {
        assert_eq!(client.kind().await, "push", "to {target}");
    }
    let acknowledged = |frame: &Up| matches!(frame, Up::BatchAck { seq: 1, .. }).then_some(());
    pusher.find(acknowledged).await;
    pusher.send(kept!("down/request_sessions")).await;
    let sessions = pusher.find(|frame| match frame {
        Up::Answer { request: 1, body: LinkAnswer::Sessions(sessions) } => Some(sessions.clone()),
        _ => None,
    });
    assert_eq!(sessions.await.len(), 1);
    let operators = gateway.operators[0];
    until_metric(operators, "holdfast_link_unknown_total{what=\"frame\"}", 0).await;
    // They were accepted years ago, by a clock of which nothing is known.
    let unknown = "holdfast_push_latency_unknown_total{reason=\"implausible\"}";
    until_metric(operators, unknown, 3).await;
    until_metric(operators, "holdfast_push_latency_seconds_count", 0).await;
    gateway.stop();
}

#[actix_rt::test]
async fn receipts_reach_a_pusher_api_of_version_1() {
    let gateway = gateway(&[]);
    let (mut pusher, _) = Pusher::ask(&gateway, "").await;
    pusher.send(kept!("down/hello")).await;
    pusher.send(kept!("down/batch")).await;
    let receipt = pusher.find(|frame| match frame {
        Up::Receipt(receipt) => Some(receipt.clone()),
        _ => None,
    });
    assert_eq!(receipt.await.id, MessageId(Uuid::from_u128(7)));
    gateway.stop();
}

/// A pusher-api that speaks up to version 9 and can do everything.
async fn newer(gateway: &gateway::Running) -> Pusher {
    let capabilities = Capabilities::from_bits(u64::MAX);
    let offer = Offer::new(1, 9, capabilities).expect("an offer");
    let (mut pusher, answer) =
        Pusher::ask(gateway, &format!("Holdfast-Link-Offer: {offer}; more=yes\r\n")).await;
    assert_eq!(answer, format!("{SWITCH}holdfast-link-offer: {}\r\n\r\n", Offer::OURS));
    pusher.send(&written(&Down::Hello { sender: Uuid::from_u128(1), offer })).await;
    let welcome = Up::decode(&mut pusher.bytes().await);
    let Ok(Some(Up::Welcome { offer, gateway, .. })) = welcome else { panic!("{welcome:?}") };
    assert_eq!((offer, &gateway[..]), (Offer::OURS, "g1"), "it gets what is offered, not all");
    pusher
}

#[actix_rt::test]
async fn what_a_newer_pusher_api_says_costs_only_itself() {
    let gateway = gateway(&[]);
    let mut pusher = newer(&gateway).await;
    let mut client = Client::connect(&gateway, "ada").await;
    pusher.find(names_ada).await;
    pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await;
    assert_eq!(client.kind().await, "hello");

    let entry = |frame: &'static [u8]| entry(0, TargetRef::User("ada"), frame);
    let mut pushes = BytesMut::new();
    entry(br#"{"type":"secret"}"#).encode(EntryLayout::Framed, &mut pushes);
    // A flag that must be understood, and one that may be ignored.
    pushes[5] = 0x80;
    let start = pushes.len();
    entry(br#"{"type":"push"}"#).encode(EntryLayout::Framed, &mut pushes);
    pushes[start + 4] = 0x80;
    let kind = Down::Unknown { kind: 99, body: Bytes::from_static(b"news") };
    pusher.send(&written(&kind)).await;
    pusher.send(&written(&kind)).await;
    let start = pushes.len();
    let wanted = MessageId(Uuid::from_u128(5));
    PushEntry { id: wanted, receipt: true, ..entry(br#"{"type":"secret"}"#) }
        .encode(EntryLayout::Framed, &mut pushes);
    pushes[start + 5] = 0x80;
    pusher.send(&written(&Down::Batch { seq: 1, pushes: pushes.freeze() })).await;
    assert_eq!(client.kind().await, "push", "not the one that must be understood");
    let receipt = pusher.find(|frame| match frame {
        Up::Receipt(receipt) => Some(receipt.clone()),
        _ => None,
    });
    assert_eq!(receipt.await, Receipt::skipped(wanted), "it is said, and nothing is waited for");

    pusher.send(&written(&Down::UnknownRequest { request: 8, name: "heads".into() })).await;
    let answer = pusher.find(|frame| match frame {
        Up::Answer { request: 8, body } => Some(body.clone()),
        _ => None,
    });
    assert_eq!(answer.await, LinkAnswer::Unsupported { name: "heads".into() });
    for (what, count) in [("frame", 2), ("request", 1), ("push", 2)] {
        let sample = format!("holdfast_link_unknown_total{{what=\"{what}\"}}");
        until_metric(gateway.operators[0], &sample, count).await;
    }
    gateway.stop();
}

/// A pusher-api of this build, to which a user of this name has come.
async fn with_client(gateway: &gateway::Running, user: &str) -> (Pusher, Client) {
    let mut pusher = newer(gateway).await;
    let all_told = |frame: &Up| {
        let Up::Presence { changes, .. } = frame else { return None };
        let mut changes = PresenceChanges::new(changes).flatten();
        changes.any(|change| change == PresenceChange::TopicsEnd).then_some(())
    };
    pusher.find(all_told).await;
    let mut client = Client::connect(gateway, user).await;
    let has_come = |frame: &Up| {
        let Up::Presence { changes, .. } = frame else { return None };
        let mut changes = PresenceChanges::new(changes).flatten();
        changes.any(|change| change == PresenceChange::Came(user)).then_some(())
    };
    pusher.find(has_come).await;
    pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await;
    assert_eq!(client.kind().await, "hello");
    (pusher, client)
}

fn given_up(users: &[&str], topics: &[&str], everybody: bool) -> BytesMut {
    let users = users.iter().map(|name| UserId::new(name).expect("a user")).collect();
    let topics = topics.iter().map(|name| Topic::new(name).expect("a topic")).collect();
    written(&Down::GivenUp(GivenUp { users, topics, everybody }))
}

#[actix_rt::test]
async fn sessions_hear_of_pushes_that_were_given_up() {
    let gateway = gateway(&[]);
    let (mut pusher, mut client) = with_client(&gateway, "ada").await;
    let topic = Topic::new("news").expect("a topic");
    let body =
        LinkRequest::Subscribe { user: UserId::new("ada").unwrap(), topic, name_refused: false };
    pusher.send(&written(&Down::Request { request: 1, body })).await;
    pusher.find(|frame| matches!(frame, Up::Presence { .. }).then_some(())).await;
    pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await;
    pusher.find(|frame| matches!(frame, Up::Answer { request: 1, .. }).then_some(())).await;
    assert_eq!(client.kind().await, "subscribed");
    for (frame, topic) in [
        (given_up(&["ada", "grace"], &[], false), ""),
        (given_up(&["grace"], &["other", "news"], false), r#","topic":"news""#),
        (given_up(&[], &[], true), ""),
    ] {
        pusher.send(&frame).await;
        let expected = format!(r#"{{"type":"gap","reason":"lost"{topic}}}"#);
        assert_eq!(client.frame().await, expected);
    }
    gateway.stop();
}

#[actix_rt::test]
async fn a_pusher_api_that_does_not_confirm_is_waited_for_once() {
    const CLIENTS: u64 = 40;
    let gateway = gateway(&[]);
    let mut pusher = newer(&gateway).await;
    let mut first = Client::connect(&gateway, "first").await;
    assert_eq!(first.kind().await, "hello", "some time later");
    until_metric(gateway.operators[0], "holdfast_links_lagging", 1).await;
    // Each of them would wait a second, and the test for longer than it may.
    let others = async {
        for number in 1..CLIENTS {
            let mut client = Client::connect(&gateway, &format!("u{number}")).await;
            assert_eq!(client.kind().await, "hello");
            pusher.send(&written(&Down::Heartbeat)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), others).await.expect("at once");
    let unconfirmed = "holdfast_unconfirmed_hellos_total";
    until_metric(gateway.operators[0], unconfirmed, CLIENTS).await;

    pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await;
    until_metric(gateway.operators[0], "holdfast_links_lagging", 0).await;
    let mut ada = Client::connect(&gateway, "ada").await;
    pusher.find(names_ada).await;
    pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await;
    assert_eq!(ada.kind().await, "hello");
    until_metric(gateway.operators[0], unconfirmed, CLIENTS).await;
    gateway.stop();
}

#[actix_rt::test]
async fn who_comes_behind_a_loss_waits_for_the_pusher_api_to_know_of_it() {
    let gateway = gateway(&[]);
    drop(newer(&gateway).await);
    until_metric(gateway.operators[0], "holdfast_links", 0).await;
    let mut ada = Client::connect(&gateway, "ada").await;
    let early = tokio::time::timeout(Duration::from_millis(200), ada.kind()).await;
    assert!(early.is_err(), "the pusher-api may take her for absent");
    let _pusher = newer(&gateway).await;
    assert_eq!(ada.kind().await, "hello", "it knows of the loss, and that anybody may be here");
    gateway.stop();
}

#[actix_rt::test]
async fn who_is_told_to_be_subscribed_waits_for_the_pusher_api_to_know() {
    let gateway = gateway(&[]);
    let (mut pusher, mut client) = with_client(&gateway, "ada").await;
    let wanted = |topic: &'static str| {
        move |frame: &Up| {
            let Up::Presence { seq, changes } = frame else { return None };
            let mut changes = PresenceChanges::new(changes);
            changes.any(|change| change == Ok(PresenceChange::Wanted(topic))).then_some(*seq)
        }
    };
    client.send(r#"{"type":"subscribe","topics":["news"]}"#).await;
    let seq = pusher.find(wanted("news")).await;
    let early = tokio::time::timeout(Duration::from_millis(200), client.frame()).await;
    assert!(early.is_err(), "a push to the topic may not come here so far");
    pusher.send(&written(&Down::PresenceAck { seq })).await;
    assert_eq!(client.kind().await, "subscribed");

    let (user, topic) = (UserId::new("ada").unwrap(), Topic::new("more").unwrap());
    let body = LinkRequest::Subscribe { user, topic, name_refused: false };
    pusher.send(&written(&Down::Request { request: 1, body })).await;
    let seq = pusher.find(wanted("more")).await;
    let answered = |frame: &Up| matches!(frame, Up::Answer { .. }).then_some(());
    let early = tokio::time::timeout(Duration::from_millis(200), pusher.find(answered)).await;
    assert!(early.is_err(), "nor one behind the answer");
    pusher.send(&written(&Down::PresenceAck { seq })).await;
    pusher.find(answered).await;
    assert_eq!(client.kind().await, "subscribed");
    until_metric(gateway.operators[0], "holdfast_topics", 2).await;
    gateway.stop();
}

#[actix_rt::test]
async fn a_refused_subscription_is_named_to_who_asks_for_it() {
    let gateway = gateway(&["--topics-per-session=1"]);
    let (mut pusher, _client) = with_client(&gateway, "ada").await;
    let mut answer = async |topic: &str, name_refused| {
        let (user, topic) = (UserId::new("ada").unwrap(), Topic::new(topic).unwrap());
        let body = LinkRequest::Subscribe { user, topic, name_refused };
        pusher.send(&written(&Down::Request { request: 1, body })).await;
        loop {
            let answer = pusher.find(|frame| match frame {
                Up::Answer { body, .. } => Some(Some(body.clone())),
                Up::Presence { .. } => Some(None),
                _ => None,
            });
            match answer.await {
                Some(answer) => return answer,
                None => pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await,
            }
        }
    };
    assert_eq!(answer("a", false).await, LinkAnswer::Count(1));
    assert_eq!(answer("b", false).await, LinkAnswer::Count(0));
    let none = LinkAnswer::Subscribed { sessions: 1, refused: Vec::new() };
    assert_eq!(answer("a", true).await, none);
    let LinkAnswer::Subscribed { sessions: 0, refused } = answer("b", true).await else {
        panic!("it is refused")
    };
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].1, "too_many_topics");
    gateway.stop();
}

#[actix_rt::test]
async fn a_hello_decides_where_a_proxy_drops_the_answers_header() {
    let gateway = gateway(&[]);
    let offer = format!("Holdfast-Link-Offer: {}\r\n", Offer::OURS);
    let (mut pusher, _) = Pusher::ask(&gateway, &offer).await;
    pusher.send(kept!("down/hello")).await;
    assert_eq!(pusher.bytes().await[..7], [28, 0, 0, 0, 17, 1, 0]);
    pusher.send(kept!("down/batch")).await;
    let acknowledged = |frame: &Up| matches!(frame, Up::BatchAck { seq: 1, .. }).then_some(());
    pusher.find(acknowledged).await;
    gateway.stop();
}

#[actix_rt::test]
async fn nothing_in_common_is_said_before_the_upgrade_or_ends_the_link() {
    let gateway = gateway(&[]);
    let header = "Holdfast-Link-Offer: versions=300-400; capabilities=0\r\n";
    let (_, answer) = Pusher::ask(&gateway, header).await;
    assert!(answer.starts_with("HTTP/1.1 409 "), "{answer}");
    let (_, answer) = Pusher::ask(&gateway, "Holdfast-Link-Offer: what?\r\n").await;
    assert_eq!(answer, format!("{SWITCH}\r\n"), "what cannot be read is no offer");
    let mut hello = BytesMut::new();
    let offer = Offer::new(300, 400, Capabilities::NONE).expect("an offer");
    Down::Hello { sender: Uuid::nil(), offer }.encode(&mut hello);
    let mut early = BytesMut::new();
    early.put_slice(kept!("down/heartbeat"));
    for first in [hello, early] {
        let (mut pusher, _) = Pusher::ask(&gateway, "").await;
        pusher.send(&first).await;
        pusher.closed().await;
    }
    gateway.stop();
}
