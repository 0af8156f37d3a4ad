//! Gateways of other builds: one of version 1, with the bytes that such a build wrote, and a newer
//! one than this.

use bytes::{Bytes, BytesMut};
use protocol::link::{
    Capabilities, Down, EntryLayout, LinkAnswer, OFFER_HEADER, Offer, PushEntries, TargetRef, Up,
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    gateway::{Connection, TestGateway},
    pusher::{Pusher, pusher},
};

/// What a build of version 1 wrote.
macro_rules! kept {
    ($name:literal) => {
        include_bytes!(concat!("../../../protocol/tests/link_version_1/frames/", $name))
    };
}

/// A hello of version 1: its length, its kind, the version.
const HELLO: [u8; 7] = [18, 0, 0, 0, 1, 1, 0];

/// Accepts a link as version 1 did, with its user ada.
async fn old(gateway: &TestGateway) -> Connection {
    let (mut connection, _) = gateway.accept_with("").await;
    let hello = connection.bytes().await;
    assert_eq!((&hello[..7], hello.len()), (&HELLO[..], kept!("down/hello").len()));
    connection.send_bytes(kept!("up/welcome")).await;
    connection
}

/// Id and receipt byte, user and frame of the only push in a batch of version 1.
fn bare_push(batch: &[u8]) -> (Uuid, bool, String) {
    let mut batch = BytesMut::from(batch);
    let Ok(Some(Down::Batch { pushes, .. })) = Down::decode(&mut batch) else { panic!("no batch") };
    let mut entries = PushEntries::new(&pushes, EntryLayout::Bare);
    let entry = entries.next().expect("a push").expect("of version 1");
    assert!(entries.next().is_none());
    let TargetRef::User(user) = entry.target else { panic!("to a user") };
    (entry.id.0, entry.receipt, user.to_owned())
}

#[actix_rt::test]
async fn a_gateway_of_version_1_is_spoken_to_as_it_was() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let mut connection = old(&gateway).await;
    // Ada came, and went again behind the snapshot.
    connection.send_bytes(kept!("up/presence")).await;
    assert_eq!(&connection.bytes().await[..], kept!("down/presence_ack"));
    pusher.until_ready().await;
    connection.snapshot_again(&["ada"]).await;

    let id = "00000000-0000-0000-0000-000000000007";
    let body = json!({"to": {"user": "ada"}, "data": {"text": "hi"}, "id": id}).to_string();
    let pushing = pusher.post("/v1/push?receipt=30s", body);
    let playing = async {
        let batch = connection.bytes().await;
        assert_eq!(bare_push(&batch), (Uuid::from_u128(7), true, "ada".into()));
        // Byte for byte, but for the moment of acceptance; the kept batch has three pushes more.
        let (kept, entry) = (&kept!("down/batch")[13..], &batch[13..]);
        assert_eq!((&entry[..17], &entry[25..]), (&kept[..17], &kept[25..entry.len()]));
        connection.send_bytes(kept!("up/batch_ack")).await;
        connection.send_bytes(kept!("up/receipt")).await;
    };
    let ((status, receipt), ()) = futures::join!(pushing, playing);
    assert_eq!((status, receipt["sessions"].as_array().map(Vec::len)), (200, Some(2)));

    let asking = pusher.get("/v1/users/ada");
    let playing = async {
        assert_eq!(&connection.bytes().await[..], kept!("down/request_sessions"));
        connection.send_bytes(kept!("up/answer_sessions")).await;
    };
    let ((status, user), ()) = futures::join!(asking, playing);
    assert_eq!((status, &user["sessions"][0]["device"]), (200, &json!("phone")));
    pusher.running.stop();
}

#[actix_rt::test]
async fn pushes_that_waited_for_a_new_gateway_reach_an_old_one() {
    let gateway = TestGateway::bind().await;
    let pusher = patient(&gateway).await;
    let mut connection = gateway.accept().await;
    connection.welcome(1, 0).await;
    connection.snapshot(&["ada"]).await;
    pusher.until_ready().await;
    drop(connection);
    pusher.until_state("lost").await;
    assert_eq!(pusher.push("ada", 1).await, 202, "queued while the gateway is away");
    let mut connection = old(&gateway).await;
    assert_eq!(bare_push(&connection.bytes().await).2, "ada");
    drop(connection);
    pusher.until_state("lost").await;

    // The same process with the number it said; then a newer one.
    let mut connection = old(&gateway).await;
    assert_eq!(bare_push(&connection.bytes().await).2, "ada", "it was not acknowledged");
    connection.send_bytes(kept!("up/batch_ack")).await;
    drop(connection);
    // What was handed to a process that then died would be for sessions that are gone.
    pusher.until_state("lost").await;
    assert_eq!(pusher.push("ada", 2).await, 202);
    let mut connection = gateway.accept().await;
    connection.welcome(3, 0).await;
    assert_eq!(connection.batch().await.1, [("ada".into(), json!(2))]);
    pusher.running.stop();
}

/// A pusher-api that does not give a gateway up while a test looks for it.
async fn patient(gateway: &TestGateway) -> Pusher {
    pusher(&[gateway], |settings| settings.link_grace = std::time::Duration::from_secs(600)).await
}

#[actix_rt::test]
async fn what_a_newer_gateway_says_costs_only_itself() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let newer = Offer::new(1, 9, Capabilities::from_bits(u64::MAX)).expect("an offer");
    let (mut connection, head) =
        gateway.accept_with(&format!("{OFFER_HEADER}: {newer}; more=yes\r\n")).await;
    let offered = format!("{OFFER_HEADER}: {}\r\n", Offer::OURS);
    assert!(head.contains(&offered), "{head}");
    let Down::Hello { offer, .. } = connection.receive().await else { panic!("no hello") };
    assert_eq!(offer, Offer::OURS);
    let (instance, gateway) = (Uuid::from_u128(1), "g1".to_owned());
    connection.send(&Up::Welcome { offer: newer, instance, last_seq: 0, gateway }).await;
    connection.send(&Up::Unknown { kind: 99, body: Bytes::from_static(b"news") }).await;
    connection.snapshot(&["ada"]).await;
    pusher.until_ready().await;
    assert_eq!(pusher.push("ada", 1).await, 202);
    assert_eq!(connection.batch().await.1, [("ada".into(), json!(1))]);

    let answers = [
        |request| Up::UnknownAnswer { request, name: "riddle".into() },
        |request| Up::Answer { request, body: LinkAnswer::Unsupported { name: "x".into() } },
    ];
    for answer in answers {
        let playing = async {
            let Down::Request { request, .. } = connection.receive().await else {
                panic!("no request")
            };
            connection.send(&answer(request)).await;
        };
        let ((status, shown), ()) = futures::join!(pusher.get("/v1/users/ada"), playing);
        let unanswered = (status, &shown["online"], &shown["unanswered"]);
        let expected = (200, &json!(true), &json!(["g1"]));
        assert_eq!(unanswered, expected, "the question has no answer, the link goes on");
    }
    let metrics = pusher.text("/metrics").await;
    for what in ["frame", "answer", "request"] {
        let sample = format!("\nholdfast_pusher_link_unknown_total{{what=\"{what}\"}} 1\n");
        assert!(metrics.contains(&sample), "{metrics}");
    }
    pusher.running.stop();
}

#[actix_rt::test]
async fn nothing_in_common_is_no_link() {
    let gateway = TestGateway::bind().await;
    let pusher = pusher(&[&gateway], |_| ()).await;
    let (connection, _) =
        gateway.accept_with("Holdfast-Link-Offer: versions=300-400; capabilities=0\r\n").await;
    connection.closed().await;
    assert_eq!(pusher.get("/readyz").await.0, 503);
    pusher.running.stop();
}
