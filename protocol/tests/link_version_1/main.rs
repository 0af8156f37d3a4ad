//! The frames of version 1, kept as bytes: they were written by the build of that version, and
//! both directions must read and write them for as long as such builds are about.

use std::path::Path;

use bytes::{Bytes, BytesMut};
use protocol::{
    Device, MessageId, SessionId, Topic, UserId,
    link::{
        Down, EntryLayout, LinkAnswer, LinkRequest, Offer, PresenceChange, PresenceChanges,
        PushEntries, PushEntry, SessionInfo, TargetRef, Up,
    },
    receipt::{Outcome, Receipt},
};
use uuid::Uuid;

/// The frame of a push, as clients get it.
const FRAME: &[u8] =
    br#"{"type":"push","id":"00000000-0000-0000-0000-000000000007","data":{"text":"hi"}}"#;

fn kept(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/link_version_1/frames");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn written(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut bytes = BytesMut::new();
    write(&mut bytes);
    bytes
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a user")
}

fn topic() -> Topic {
    Topic::new("news").expect("a topic")
}

fn entries() -> [PushEntry<'static>; 4] {
    let targets = [
        TargetRef::User("ada"),
        TargetRef::Users(vec!["ada", "grace", "é💡"]),
        TargetRef::Topic("news"),
        TargetRef::All,
    ];
    let mut number = 6;
    targets.map(|target| {
        number += 1;
        PushEntry {
            id: MessageId(Uuid::from_u128(number)),
            accepted_micros: 1_700_000_000_000_000,
            receipt: number == 7,
            target,
            frame: FRAME,
            collapse_key: None,
        }
    })
}

const CHANGES: [PresenceChange<'static>; 4] = [
    PresenceChange::SnapshotBegin,
    PresenceChange::Came("ada"),
    PresenceChange::SnapshotEnd,
    PresenceChange::Went("ada"),
];

fn pushes() -> Bytes {
    written(|out| entries().iter().for_each(|entry| entry.encode(EntryLayout::Bare, out))).freeze()
}

fn changes() -> Bytes {
    written(|out| CHANGES.iter().for_each(|change| change.encode(out))).freeze()
}

fn requests() -> [(&'static str, LinkRequest); 6] {
    let (ada, phone) = (user("ada"), Device::new("phone").expect("a device"));
    [
        ("sessions", LinkRequest::Sessions { user: ada.clone() }),
        ("subscribers", LinkRequest::Subscribers { topic: topic() }),
        ("disconnect", LinkRequest::Disconnect { user: ada.clone(), device: None }),
        ("disconnect_device", LinkRequest::Disconnect { user: ada.clone(), device: Some(phone) }),
        (
            "subscribe",
            LinkRequest::Subscribe { user: ada.clone(), topic: topic(), name_refused: false },
        ),
        ("unsubscribe", LinkRequest::Unsubscribe { user: ada, topic: topic() }),
    ]
}

fn down() -> Vec<(String, Down)> {
    let mut frames = vec![
        ("hello".to_owned(), Down::Hello { sender: Uuid::from_u128(1), offer: Offer::SILENT }),
        ("batch".to_owned(), Down::Batch { seq: 1, pushes: pushes() }),
        ("presence_ack".to_owned(), Down::PresenceAck { seq: 4 }),
        ("heartbeat".to_owned(), Down::Heartbeat),
    ];
    frames.extend((1..).zip(requests()).map(|(request, (name, body))| {
        (format!("request_{name}"), Down::Request { request, body })
    }));
    frames
}

fn session() -> SessionInfo {
    SessionInfo {
        id: SessionId(5),
        transport: "tcp".into(),
        device: Some("phone".into()),
        since: 1_700_000_000,
        address: "127.0.0.1:5".into(),
    }
}

fn up() -> Vec<(String, Up)> {
    let outcomes = [Outcome::Written, Outcome::Queued];
    let sessions = (5..).map(SessionId).zip(outcomes).collect();
    let receipt = Receipt::new(MessageId(Uuid::from_u128(7)), sessions, 2);
    let welcome = Up::Welcome {
        offer: Offer::SILENT,
        instance: Uuid::from_u128(2),
        last_seq: 0,
        gateway: "g1".into(),
    };
    let sessions = LinkAnswer::Sessions(vec![session()]);
    let frames = [
        ("welcome", welcome),
        ("presence", Up::Presence { seq: 4, changes: changes() }),
        ("batch_ack", Up::BatchAck { seq: 1, queued_bytes: 9 }),
        ("receipt", Up::Receipt(receipt)),
        ("answer_sessions", Up::Answer { request: 1, body: sessions }),
        ("answer_count", Up::Answer { request: 2, body: LinkAnswer::Count(3) }),
        ("heartbeat", Up::Heartbeat),
    ];
    frames.map(|(name, frame)| (name.to_owned(), frame)).into()
}

#[test]
fn frames_of_pusher_api_are_written_and_read_as_they_were() {
    for (name, frame) in down() {
        let mut bytes = written(|out| frame.encode(out));
        assert_eq!(&bytes[..], kept(&format!("down/{name}")), "{name}");
        assert_eq!(Down::decode(&mut bytes), Ok(Some(frame)), "{name}");
    }
}

#[test]
fn frames_of_a_gateway_are_written_and_read_as_they_were() {
    for (name, frame) in up() {
        let mut bytes = written(|out| frame.encode(out));
        assert_eq!(&bytes[..], kept(&format!("up/{name}")), "{name}");
        assert_eq!(Up::decode(&mut bytes), Ok(Some(frame)), "{name}");
    }
}

#[test]
fn entries_and_changes_are_read_as_they_were() {
    let mut batch = BytesMut::from(&kept("down/batch")[..]);
    let Ok(Some(Down::Batch { pushes, .. })) = Down::decode(&mut batch) else { panic!("no batch") };
    let read: Result<Vec<_>, _> = PushEntries::new(&pushes, EntryLayout::Bare).collect();
    assert_eq!(read.expect("valid"), entries());
    let mut presence = BytesMut::from(&kept("up/presence")[..]);
    let Ok(Some(Up::Presence { changes, .. })) = Up::decode(&mut presence) else {
        panic!("no presence")
    };
    let read: Result<Vec<_>, _> = PresenceChanges::new(&changes).collect();
    assert_eq!(read.expect("valid"), CHANGES);
}
