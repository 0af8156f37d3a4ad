//! A whole gateway against pusher-apis of other builds, played over real sockets: one of version 1,
//! with the bytes that such a build wrote, and newer ones than this.

mod peers;

use bytes::{BufMut, Bytes, BytesMut};
use peers::{Client, Pusher, gateway, until_metric};
use protocol::{
    MessageId,
    link::{
        Capabilities, Down, EntryLayout, LinkAnswer, Offer, PresenceChange, PresenceChanges,
        PushEntry, TargetRef, Up,
    },
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
    until_metric(gateway.operators[0], "holdfast_link_unknown_total{what=\"frame\"}", 0).await;
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

    let entry = |frame| PushEntry {
        id: MessageId(Uuid::nil()),
        accepted_micros: 7,
        receipt: false,
        target: TargetRef::User("ada"),
        frame,
    };
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
    pusher.send(&written(&Down::Batch { seq: 1, pushes: pushes.freeze() })).await;
    assert_eq!(client.kind().await, "push", "not the one that must be understood");

    pusher.send(&written(&Down::UnknownRequest { request: 8, name: "heads".into() })).await;
    let answer = pusher.find(|frame| match frame {
        Up::Answer { request: 8, body } => Some(body.clone()),
        _ => None,
    });
    assert_eq!(answer.await, LinkAnswer::Unsupported { name: "heads".into() });
    for (what, count) in [("frame", 2), ("request", 1), ("push", 1)] {
        let sample = format!("holdfast_link_unknown_total{{what=\"{what}\"}}");
        until_metric(gateway.operators[0], &sample, count).await;
    }
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
