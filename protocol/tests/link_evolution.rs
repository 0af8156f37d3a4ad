//! What only a newer build knows is passed over, and the rest of it is understood.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use protocol::{
    MessageId, UserId,
    link::{
        Capabilities, ClockReading, Down, EntryLayout, LinkAnswer, LinkError, LinkRequest,
        MAX_FRAME_BYTES, Offer, PushEntries, PushEntry, TargetRef, Up,
    },
};
use uuid::Uuid;

/// Kinds of the frames that the tests write themselves.
const HELLO: u8 = 1;
const REQUEST: u8 = 4;
const HEARTBEAT: u8 = 5;
const ANSWER: u8 = 21;

const ENTRY: PushEntry<'static> = PushEntry {
    id: MessageId(Uuid::nil()),
    accepted_micros: 7,
    receipt: true,
    target: TargetRef::User("ada"),
    frame: b"{}",
    collapse_key: None,
};
/// Where the flags, and the kind of target, stand in an entry.
const FLAGS: usize = 4;
const TARGET: usize = 4 + 2 + 16 + 8;
/// The flag that says that a key follows the frame.
const COLLAPSES: u16 = 1;

fn frame(kind: u8, body: &[u8]) -> BytesMut {
    let mut bytes = BytesMut::new();
    bytes.put_u32_le(body.len() as u32);
    bytes.put_u8(kind);
    bytes.put_slice(body);
    bytes
}

/// A frame whose body is a number and JSON.
fn question(kind: u8, json: &str) -> BytesMut {
    frame(kind, &[&9_u64.to_le_bytes(), json.as_bytes()].concat())
}

fn framed(change: impl FnOnce(&mut BytesMut)) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    ENTRY.encode(EntryLayout::Framed, &mut bytes);
    change(&mut bytes);
    bytes.to_vec()
}

/// What is read of these entries with one of ours behind them: how many, and how many not.
fn read(entries: &[u8]) -> (usize, u64) {
    let body = [entries, &framed(|_| ())].concat();
    let mut read = PushEntries::new(&body, EntryLayout::Framed);
    let known: Result<Vec<_>, _> = read.by_ref().collect();
    let known = known.expect("entries");
    assert_eq!(known.last(), Some(&ENTRY), "what follows is understood");
    (known.len(), read.skipped())
}

#[test]
fn flags_that_may_be_ignored_are_and_others_cost_the_push() {
    for bit in (0..16).filter(|bit| *bit != COLLAPSES) {
        let flagged = framed(|bytes| {
            let flags = u16::from_le_bytes([bytes[FLAGS], bytes[FLAGS + 1]]) | 1 << bit;
            bytes[FLAGS..FLAGS + 2].copy_from_slice(&flags.to_le_bytes());
        });
        let expected = if bit < 8 { (2, 0) } else { (1, 1) };
        assert_eq!(read(&flagged), expected, "bit {bit}");
    }
}

#[test]
fn a_push_that_is_passed_over_is_named_where_it_wants_a_receipt() {
    for (flags, wanted) in [(0x8001_u16, vec![ENTRY.id]), (0x8000, vec![]), (1, vec![])] {
        let flagged = framed(|bytes| bytes[FLAGS..FLAGS + 2].copy_from_slice(&flags.to_le_bytes()));
        let mut entries = PushEntries::new(&flagged, EntryLayout::Framed);
        entries.by_ref().for_each(|entry| drop(entry.expect("an entry")));
        assert_eq!(entries.skipped_receipts(), wanted, "{flags:#x}");
    }
}

#[test]
fn a_target_nobody_knows_costs_the_push() {
    let strange = framed(|bytes| bytes[TARGET] = 9);
    assert_eq!(read(&strange), (1, 1));
    let strange = [strange.clone(), strange].concat();
    assert_eq!(read(&strange), (1, 2));
}

#[test]
fn what_a_newer_build_appends_to_a_push_is_passed_over() {
    let longer = framed(|bytes| {
        bytes.put_slice(b"a cursor");
        bytes[0] += 8;
    });
    assert_eq!(read(&longer), (2, 0));
}

#[test]
fn a_push_shorter_than_its_content_ends_the_batch() {
    for length in [0, 1, 25, 40] {
        let short = framed(|bytes| bytes[0] = length);
        let first = PushEntries::new(&short, EntryLayout::Framed).next();
        assert_eq!(first, Some(Err(LinkError::Truncated)), "{length}");
    }
    let mut bare = BytesMut::new();
    ENTRY.encode(EntryLayout::Bare, &mut bare);
    bare[25] = 9;
    let read: Vec<_> = PushEntries::new(&bare, EntryLayout::Bare).collect();
    assert_eq!(read, [Err(LinkError::UnknownKind(9))], "nobody knows where the next one begins");
}

#[test]
fn frames_of_any_kind_are_bounded() {
    for kind in [HELLO, 99] {
        let mut header = BytesMut::new();
        header.put_u32_le(MAX_FRAME_BYTES as u32);
        header.put_u8(kind);
        assert_eq!(Down::decode(&mut header), Ok(None), "what fits is waited for");
        header[0] += 1;
        let refused = Err(LinkError::TooLarge(MAX_FRAME_BYTES + 1));
        assert_eq!(Down::decode(&mut header), refused);
    }
}

#[test]
fn requests_of_a_newer_build_keep_their_number_and_name() {
    let user = UserId::new("ada").expect("a user");
    let known = LinkRequest::Sessions { user };
    let cases = [
        (r#"{"sessions":{"user":"ada","since":7}}"#, Ok(known)),
        (r#"{"heads":{"after":7}}"#, Err("heads")),
        (r#""heads""#, Err("heads")),
        (r#"{"sessions":7}"#, Err("sessions")),
        ("[1.5,{}]", Err("")),
    ];
    for (json, expected) in cases {
        let expected = match expected {
            Ok(body) => Down::Request { request: 9, body },
            Err(name) => Down::UnknownRequest { request: 9, name: name.into() },
        };
        assert_eq!(Down::decode(&mut question(REQUEST, json)), Ok(Some(expected)), "{json}");
    }
    let torn = Down::decode(&mut question(REQUEST, r#"{"heads":"#));
    assert!(matches!(torn, Err(LinkError::Malformed(_))), "{torn:?}");
}

#[test]
fn answers_of_a_newer_build_keep_their_number_and_name() {
    let cases = [
        (
            r#"{"unsupported":{"name":"heads"}}"#,
            Up::Answer { request: 9, body: LinkAnswer::Unsupported { name: "heads".into() } },
        ),
        (r#"{"heads":[]}"#, Up::UnknownAnswer { request: 9, name: "heads".into() }),
    ];
    for (json, expected) in cases {
        assert_eq!(Up::decode(&mut question(ANSWER, json)), Ok(Some(expected)), "{json}");
    }
}

#[test]
fn a_heartbeat_says_as_much_as_is_in_it() {
    let times: Vec<u8> = [1_u64, 2, 3, 4].into_iter().flat_map(u64::to_le_bytes).collect();
    let time = Down::Time(ClockReading { asked_micros: 1, received_micros: 2, answered_micros: 3 });
    for length in 0..=times.len() {
        let body = &times[..length];
        let down = if length < 24 { Down::Heartbeat } else { time.clone() };
        assert_eq!(Down::decode(&mut frame(HEARTBEAT, body)), Ok(Some(down)), "{length} bytes");
        let asked = Up::AskTime { asked_micros: 1 };
        let up = if length < 8 { Up::Heartbeat } else { asked };
        assert_eq!(Up::decode(&mut frame(HEARTBEAT, body)), Ok(Some(up)), "{length} bytes");
    }
}

/// A hello that says these things; a build of version 1 read the first two.
fn hello(newest: u16, offer: &[u8]) -> Result<Option<Down>, LinkError> {
    let mut body = newest.to_le_bytes().to_vec();
    body.extend([0; 16]);
    body.extend(offer);
    Down::decode(&mut frame(HELLO, &body))
}

#[test]
fn a_longer_offer_of_a_newer_build_is_understood() {
    let offer = |oldest, newest, bits| {
        Offer::new(oldest, newest, Capabilities::from_bits(bits)).expect("an offer")
    };
    let said = |offer| Ok(Some(Down::Hello { sender: Uuid::nil(), offer }));
    let ours = [10, 2, 0, 0xff, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(hello(3, &ours), said(offer(2, 3, 0xff)));
    let longer = [&[12][..], &ours[1..], &[1, 2]].concat();
    assert_eq!(hello(3, &longer), said(offer(2, 3, 0xff)));
    assert_eq!(hello(1, &[]), said(Offer::SILENT));
    assert_eq!(hello(1, &ours), said(Offer::SILENT), "version 1 has no offers");
    assert_eq!(hello(2, &[]), Err(LinkError::Truncated));
    assert_eq!(hello(2, &ours[..5]), Err(LinkError::Truncated));
    assert!(matches!(hello(2, &[10, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Err(LinkError::Malformed(_))));
    let mut welcome = BytesMut::new();
    let frame = Up::Welcome {
        offer: offer(1, 2, 1),
        instance: Uuid::nil(),
        last_seq: 0,
        gateway: "g".into(),
    };
    frame.encode(&mut welcome);
    assert_eq!(&welcome[5 + 26..], [&[10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0][..], b"g"].concat());
}

proptest! {
    #[test]
    fn frames_of_unknown_kinds_leave_their_neighbours_whole(
        kind in 40_u8..,
        body: Vec<u8>,
        before in any::<u64>(),
    ) {
        let mut wire = BytesMut::new();
        Down::PresenceAck { seq: before }.encode(&mut wire);
        wire.extend_from_slice(&frame(kind, &body));
        Down::Heartbeat.encode(&mut wire);
        let read: Vec<_> = std::iter::from_fn(|| Down::decode(&mut wire).expect("frames")).collect();
        let body = Bytes::from(body);
        let expected =
            [Down::PresenceAck { seq: before }, Down::Unknown { kind, body }, Down::Heartbeat];
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_garbage_between_two_pushes_of_known_length_costs_itself_only(garbage: Vec<u8>) {
        let mut strange = framed(|_| ());
        strange.truncate(FLAGS);
        strange.extend([0, 0x80]);
        strange.extend(&garbage);
        let length = strange.len() as u32 - 4;
        strange[..4].copy_from_slice(&length.to_le_bytes());
        prop_assert_eq!(read(&strange), (1, 1));
    }
}
