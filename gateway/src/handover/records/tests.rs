//! Records are read as they were written, by this version and by those before it.

use proptest::prelude::*;
use protocol::{Device, SessionId, Topic, Transport, UserId};
use uuid::Uuid;

use super::{frames::LogRecord, *};
use crate::handover::words::{Batch, Given, Taking};

/// Messages of the first version, byte for byte as it wrote them. They are never changed: a later version has its own
/// beside them.
const BATCH: &[u8] = include_bytes!("../../../../fuzz/corpus/takeover_records/batch-version-1");
const PROCESS: &[u8] = include_bytes!("../../../../fuzz/corpus/takeover_records/process-version-1");
const HELLO: &[u8] = include_bytes!("../../../../fuzz/corpus/takeover_records/hello-version-1");

fn given(bytes: &[u8]) -> Given {
    serde_json::from_slice(bytes).expect("a version that is read")
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a name")
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("a name")
}

/// A session of which everything is there.
fn full() -> SessionRecord {
    SessionRecord {
        id: SessionId(0xf8b1_7f6e_a423_2bdd),
        transport: Transport::Sse,
        user: Some(user("u1")),
        device: Device::new("phone").ok(),
        topics: vec![topic("news"), topic("weather")],
        subscribable: vec!["news".into(), "room-*".into()],
        expires: Some(1_900_000_000),
        began_ms: 123_450,
        stage: StageRecord::Closing,
        reason: Some("draining".into()),
        sign: SignRecord::Owed,
        ping_ms: -50,
        allowance: (200, 819_200),
        is_deaf: true,
        has_socket: true,
        client: None,
        place: Some((7, 9)),
        queue: QueueRecord {
            chunks: vec![
                ChunkRecord::Bytes(Bytes(b"rest".to_vec())),
                ChunkRecord::Frame((3, Some(1500))),
            ],
            keeps_front: true,
            shown: 1,
            write_ms: Some(30_000),
        },
        incoming: IncomingRecord {
            bytes: Bytes(b"\x81\xfe".to_vec()),
            has_more: true,
            message: Some((1, Bytes(b"{".to_vec()))),
            whole_ms: Some(29_000),
        },
        is_gated: true,
        ids: vec![(1, Some((2, 3))), (4, None)],
        replays: vec![ReplayRecord {
            log: LogRecord::Topic(topic("news")),
            phase: PhaseRecord::Read,
            from: FromRecord::After((5, 6)),
            place: Some((6, 6)),
            frames: vec![Bytes(b"behind the hello".to_vec())],
            is_announced: true,
            is_told_away: true,
            replayed: 11,
            is_behind: true,
            waiting: vec![(3, None)],
            has_lost: true,
        }],
        poller: Some(PollerRecord {
            answers: 2,
            has_left: true,
            peer: Some(([127, 0, 0, 1], 4711).into()),
            ticket: Some(99),
        }),
    }
}

#[test]
fn what_the_first_version_wrote_is_read() {
    let Given::Batch(Batch { frames, sessions, arrivals }) = given(BATCH) else {
        panic!("a batch");
    };
    let kept = KeptRecord { log: LogRecord::User(user("u1")), before: (1, 2), place: (3, 2) };
    let json = Bytes(br#"{"type":"push"}"#.to_vec());
    let collapses = Some((ScopeRecord::Topic("news".into()), "k".into()));
    let frame = |id, kept, collapses| FrameRecord { id, json: json.clone(), kept, collapses };
    assert_eq!(frames, [frame(3, Some(kept), None), frame(4, None, collapses)]);
    // What is not written stands for what there is not.
    let bare = SessionRecord {
        id: SessionId(1),
        transport: Transport::WebSocket,
        user: Some(user("u2")),
        device: None,
        topics: vec![],
        subscribable: vec![],
        expires: None,
        began_ms: 0,
        stage: StageRecord::Live,
        reason: None,
        sign: SignRecord::Given,
        ping_ms: 25_000,
        allowance: (200, 819_200),
        is_deaf: false,
        has_socket: true,
        client: None,
        place: None,
        queue: QueueRecord::default(),
        incoming: IncomingRecord::default(),
        is_gated: false,
        ids: vec![],
        replays: vec![],
        poller: None,
    };
    assert_eq!(sessions, [full(), bare]);
    let words = Bytes(b"GET /v1/".to_vec());
    let asking = ProgressRecord::Asking { ticket: 99, reader: None, words: None };
    let speaking = ProgressRecord::Speaking { words, is_idle: false };
    let arrival = |port, progress, left_ms| ArrivalRecord {
        port,
        is_proxied: false,
        client: None,
        progress,
        device: None,
        left_ms,
    };
    let expected =
        [arrival(PortRecord::Http, speaking, Some(9000)), arrival(PortRecord::Http, asking, None)];
    assert_eq!(arrivals, expected);

    let Given::Process(process) = given(PROCESS) else { panic!("a process") };
    assert_eq!((process.ids, process.clock_began), ((10, 12), (5_000, 7_000)));
    assert_eq!(process.batches, [(Uuid::from_u128(1), 42)]);
    assert_eq!(process.acknowledged[0].place, (8, 9));
    let hello = serde_json::from_slice::<Taking>(HELLO).expect("a hello");
    assert!(matches!(hello, Taking::Hello { records: 1, sessions: 1000, .. }));
}

#[test]
fn what_is_not_known_refuses_the_record() {
    let text = String::from_utf8(BATCH.to_vec()).expect("text");
    for (known, newer) in [
        (r#""began_ms":0"#, r#""began_ms":0,"mood":"good""#),
        (r#""phase":"read""#, r#""phase":"rest""#),
        (r#""shown":1"#, r#""shown":1,"seen":2"#),
    ] {
        assert!(text.contains(known), "{known}");
        let changed = text.replace(known, newer);
        assert!(serde_json::from_str::<Given>(&changed).is_err(), "{newer}");
    }
}

#[test]
fn this_version_writes_what_it_reads() {
    let batch = Batch { frames: vec![], sessions: vec![full()], arrivals: vec![] };
    let written = serde_json::to_vec(&Given::Batch(batch)).expect("written");
    let Given::Batch(read) = given(&written) else { panic!("a batch") };
    assert_eq!(read.sessions, [full()]);
}

proptest! {
    #[test]
    fn every_session_is_read_as_it_was_written(
        numbers in any::<(u64, u32, i64, u16)>(), bytes in prop::collection::vec(any::<u8>(), 0..200),
        flags in any::<[bool; 4]>(), transport in 0..Transport::ALL.len()
    ) {
        let (large, small, signed, short) = numbers;
        let full = full();
        let place = flags[0].then_some((large, small));
        let session = SessionRecord {
            id: SessionId(large),
            transport: Transport::ALL[transport],
            expires: flags[1].then_some(small),
            began_ms: large,
            ping_ms: signed,
            allowance: (short, small),
            is_deaf: flags[2],
            place,
            incoming: IncomingRecord { bytes: Bytes(bytes.clone()), ..IncomingRecord::default() },
            queue: QueueRecord { chunks: vec![ChunkRecord::Bytes(Bytes(bytes))], ..full.queue },
            ids: vec![(large, place)],
            is_gated: flags[3],
            ..full
        };
        let written = serde_json::to_vec(&session).expect("written");
        let read = serde_json::from_slice::<SessionRecord>(&written).expect("read");
        prop_assert_eq!(read, session);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        crate::handover::check(&bytes);
    }
}
