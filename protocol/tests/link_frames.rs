//! Link frames survive the wire, whole or byte by byte, and garbage is refused without a panic.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use protocol::{
    Device, MessageId, SessionId, Topic, UserId,
    kept::{Acknowledged, From, Gaps, Log, Place, Step},
    link::{
        Capabilities, Claim, ClockReading, DeviceNotice, Down, EntryLayout, Errand, FanOutWork,
        GivenUp, LinkAnswer, LinkRequest, Load, LogPage, Offer, OtherGateways, PresenceChange,
        PresenceChanges, PushEntries, PushEntry, RelayAnswer, Relayed, SessionInfo, StoreAnswer,
        StoreQuestion, TargetRef, Up,
    },
    problem::Problem,
    receipt::{Outcome, Receipt, SessionDetail},
};
use uuid::Uuid;

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9é💡 _-]{1,30}"
}

fn offer() -> impl Strategy<Value = Offer> {
    let offered = (any::<u16>(), 2_u16.., any::<u64>()).prop_map(|(oldest, newest, bits)| {
        let capabilities = Capabilities::from_bits(bits);
        Offer::new(oldest.min(newest), newest, capabilities).expect("an offer")
    });
    prop_oneof![3 => offered, 1 => Just(Offer::SILENT)]
}

/// A kind of neither direction, and something in it.
fn unknown() -> impl Strategy<Value = (u8, Bytes)> {
    (40_u8.., any::<Vec<u8>>()).prop_map(|(kind, body)| (kind, Bytes::from(body)))
}

fn claim() -> impl Strategy<Value = Claim> {
    prop_oneof![Just(Claim::New), Just(Claim::Held)]
}

fn notice() -> impl Strategy<Value = DeviceNotice> {
    let user = || name().prop_map(|name| UserId::new(&name).expect("a user"));
    let device = || name().prop_map(|name| Device::new(&name).expect("a device"));
    let gateway = || any::<u128>().prop_map(Uuid::from_u128);
    prop_oneof![
        (gateway(), gateway()).prop_map(|(name, peer)| DeviceNotice::Linked { name, peer }),
        gateway().prop_map(|peer| DeviceNotice::Unlinked { peer }),
        (user(), device(), gateway(), any::<u64>(), claim()).prop_map(
            |(user, device, peer, through, claim)| DeviceNotice::Claimed {
                user,
                device,
                peer,
                through,
                claim
            }
        ),
        user().prop_map(|user| DeviceNotice::Asked { user }),
    ]
}

fn relayed() -> impl Strategy<Value = Relayed> {
    (name(), proptest::option::of(name()), any::<u64>(), any::<String>(), any::<u64>()).prop_map(
        |(user, device, session, frames, within_ms)| Relayed {
            user: UserId::new(&user).expect("a user"),
            device: device.map(|device| Device::new(&device).expect("a device")),
            session: SessionId(session),
            errand: match within_ms.is_multiple_of(2) {
                true => Errand::Frames(frames),
                false => Errand::Poll { seen: 7, wait_ms: within_ms, expires: Some(session) },
            },
            within_ms,
        },
    )
}

fn relay_answer() -> impl Strategy<Value = RelayAnswer> {
    prop_oneof![
        proptest::option::of(any::<String>()).prop_map(RelayAnswer::Done),
        any::<String>().prop_map(RelayAnswer::Last),
        (any::<u16>(), name(), name()).prop_map(|(status, title, detail)| {
            RelayAnswer::Refused(Problem::new(status, title, detail).at("/1").into())
        }),
        Just(RelayAnswer::NotHere),
        name().prop_map(RelayAnswer::NoWay),
        name().prop_map(RelayAnswer::Lost),
    ]
}

fn log() -> impl Strategy<Value = Log> {
    prop_oneof![
        name().prop_map(|name| Log::User(UserId::new(&name).expect("a user"))),
        name().prop_map(|name| Log::Topic(Topic::new(&name).expect("a topic"))),
    ]
}

fn place() -> impl Strategy<Value = Place> {
    any::<(u64, u32)>().prop_map(|(number, check)| Place { number, check })
}

fn some_bytes() -> impl Strategy<Value = Bytes> {
    any::<Vec<u8>>().prop_map(Bytes::from)
}

fn store_question() -> impl Strategy<Value = StoreQuestion> {
    let user = || name().prop_map(|name| UserId::new(&name).expect("a user"));
    let device = || proptest::option::of(name().prop_map(|it| Device::new(&it).expect("a device")));
    let from = prop_oneof![place().prop_map(From::After), Just(From::Start), Just(From::Now)];
    let acknowledged = (user(), device(), place()).prop_map(|(user, device, place)| Acknowledged {
        user,
        device,
        place,
    });
    prop_oneof![
        (user(), device(), proptest::option::of(place()))
            .prop_map(|(user, device, after)| StoreQuestion::Begin { user, device, after }),
        (log(), from).prop_map(|(log, from)| StoreQuestion::Read { log, from }),
        prop::collection::vec(acknowledged, 0..5).prop_map(StoreQuestion::Acknowledge),
        proptest::option::of(some_bytes()).prop_map(StoreQuestion::ChangedSince),
    ]
}

fn store_answer() -> impl Strategy<Value = StoreAnswer> {
    let page = (
        (place(), place(), any::<u64>(), any::<u8>()),
        prop::collection::vec((place(), some_bytes()), 0..5),
    );
    let page = page.prop_map(|((from, through, rest, gaps), messages)| {
        StoreAnswer::Page(LogPage { from, gaps: Gaps::from_bits(gaps), messages, through, rest })
    });
    let heads = (prop::collection::vec((log(), place()), 0..5), some_bytes(), any::<bool>());
    let changes =
        heads.prop_map(|(heads, position, more)| StoreAnswer::Changes { heads, position, more });
    prop_oneof![
        page,
        changes,
        Just(StoreAnswer::Acknowledged),
        any::<String>().prop_map(StoreAnswer::Away),
    ]
}

fn down() -> impl Strategy<Value = Down> {
    prop_oneof![
        (any::<u128>(), offer())
            .prop_map(|(id, offer)| Down::Hello { sender: Uuid::from_u128(id), offer }),
        (any::<u64>(), any::<Vec<u8>>())
            .prop_map(|(seq, pushes)| Down::Batch { seq, pushes: Bytes::from(pushes) }),
        any::<u64>().prop_map(|seq| Down::PresenceAck { seq }),
        (any::<u64>(), name(), name()).prop_map(|(request, user, topic)| Down::Request {
            request,
            body: LinkRequest::Subscribe {
                user: UserId::new(&user).expect("a user"),
                topic: Topic::new(&topic).expect("a topic"),
                name_refused: request.is_multiple_of(2),
            },
        }),
        (name(), name(), any::<bool>()).prop_map(|(user, topic, everybody)| {
            Down::GivenUp(GivenUp {
                users: vec![UserId::new(&user).expect("a user")],
                topics: vec![Topic::new(&topic).expect("a topic")],
                everybody,
            })
        }),
        notice().prop_map(Down::Device),
        (any::<u64>(), relayed()).prop_map(|(request, relayed)| Down::Request {
            request,
            body: LinkRequest::Relay(relayed)
        }),
        (any::<u64>(), relay_answer()).prop_map(|(relay, body)| Down::RelayAnswer { relay, body }),
        (any::<u64>(), name()).prop_map(|(request, name)| Down::UnknownRequest { request, name }),
        (any::<u32>(), any::<[u64; 3]>()).prop_map(|(gateways, [sessions, room, per_second])| {
            Down::Others(OtherGateways { gateways, sessions, room, per_second })
        }),
        Just(Down::Heartbeat),
        any::<[u64; 3]>().prop_map(|[asked_micros, received_micros, answered_micros]| {
            Down::Time(ClockReading { asked_micros, received_micros, answered_micros })
        }),
        proptest::option::of(any::<u128>().prop_map(Uuid::from_u128)).prop_map(Down::Store),
        (any::<u64>(), store_answer())
            .prop_map(|(question, body)| Down::StoreAnswer { question, body }),
        unknown().prop_map(|(kind, body)| Down::Unknown { kind, body }),
    ]
}

fn up() -> impl Strategy<Value = Up> {
    prop_oneof![
        (offer(), any::<u128>(), any::<u64>(), name()).prop_map(
            |(offer, id, last_seq, gateway)| Up::Welcome {
                offer,
                instance: Uuid::from_u128(id),
                last_seq,
                gateway
            }
        ),
        (any::<u64>(), any::<Vec<u8>>())
            .prop_map(|(seq, changes)| Up::Presence { seq, changes: Bytes::from(changes) }),
        (any::<u64>(), any::<u64>())
            .prop_map(|(seq, queued_bytes)| Up::BatchAck { seq, queued_bytes }),
        (any::<u128>(), any::<u64>(), any::<u64>(), proptest::option::of(name())).prop_map(
            |(id, session, total, device)| {
                let session = SessionId(session);
                let id = MessageId(Uuid::from_u128(id));
                let reason = device.as_ref().map(|_| "too_slow".to_owned());
                Up::Receipt(Receipt {
                    details: vec![SessionDetail { session, device, reason }],
                    ..Receipt::new(id, vec![(session, Outcome::Dropped)], total)
                })
            }
        ),
        (any::<u64>(), any::<u64>(), name()).prop_map(|(request, session, reason)| Up::Answer {
            request,
            body: LinkAnswer::Subscribed {
                sessions: 1,
                refused: vec![(SessionId(session), reason)],
            },
        }),
        (any::<u64>(), any::<u64>(), name(), proptest::option::of(name())).prop_map(
            |(request, id, transport, device)| Up::Answer {
                request,
                body: LinkAnswer::Sessions(vec![SessionInfo {
                    id: SessionId(id),
                    transport,
                    device,
                    since: 7,
                    address: "127.0.0.1:1".into(),
                }]),
            }
        ),
        (any::<u64>(), name()).prop_map(|(request, name)| Up::Answer {
            request,
            body: LinkAnswer::Unsupported { name },
        }),
        (any::<u64>(), relayed()).prop_map(|(relay, body)| Up::Relay { relay, body }),
        (any::<u64>(), relay_answer()).prop_map(|(request, answer)| Up::Answer {
            request,
            body: LinkAnswer::Relayed(answer)
        }),
        (any::<u64>(), name()).prop_map(|(request, name)| Up::UnknownAnswer { request, name }),
        any::<[u64; 3]>().prop_map(|[behind_micros, all_micros, topic_micros]| {
            Up::FanOutWork(FanOutWork { behind_micros, all_micros, topic_micros })
        }),
        (any::<[u64; 2]>(), any::<u32>()).prop_map(|([sessions, room], per_second)| {
            Up::Load(Load { sessions, room, per_second })
        }),
        Just(Up::Heartbeat),
        any::<u64>().prop_map(|asked_micros| Up::AskTime { asked_micros }),
        proptest::option::of(any::<u128>().prop_map(Uuid::from_u128)).prop_map(Up::Store),
        (any::<u64>(), store_question())
            .prop_map(|(question, body)| Up::StoreQuestion { question, body }),
        unknown().prop_map(|(kind, body)| Up::Unknown { kind, body }),
    ]
}

proptest! {
    #[test]
    fn down_frames_survive_any_chopping(frames in prop::collection::vec(down(), 0..5), step in 1_usize..40) {
        let mut wire = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut wire));
        let mut arrived = BytesMut::new();
        let mut decoded = Vec::new();
        for chunk in wire.chunks(step) {
            arrived.extend_from_slice(chunk);
            while let Some(frame) = Down::decode(&mut arrived).expect("valid") {
                decoded.push(frame);
            }
        }
        prop_assert_eq!(decoded, frames);
        prop_assert!(arrived.is_empty());
    }

    #[test]
    fn up_frames_survive_any_chopping(frames in prop::collection::vec(up(), 0..5), step in 1_usize..40) {
        let mut wire = BytesMut::new();
        frames.iter().for_each(|frame| frame.encode(&mut wire));
        let mut arrived = BytesMut::new();
        let mut decoded = Vec::new();
        for chunk in wire.chunks(step) {
            arrived.extend_from_slice(chunk);
            while let Some(frame) = Up::decode(&mut arrived).expect("valid") {
                decoded.push(frame);
            }
        }
        prop_assert_eq!(decoded, frames);
    }

    #[test]
    fn pushes_survive_the_wire(
        users in prop::collection::vec(name(), 0..20),
        frame: Vec<u8>,
        id: u128,
        accepted_micros: u64,
        receipt: bool,
        key in proptest::option::of(name()),
        (before, place) in (place(), place()),
    ) {
        let step = Step { before, place };
        let targets = [
            TargetRef::All,
            TargetRef::Topic("news"),
            TargetRef::User("u1"),
            TargetRef::Users(users.iter().map(String::as_str).collect()),
            TargetRef::KeptUsers(users.iter().map(|user| (user.as_str(), step)).collect()),
            TargetRef::KeptTopic("news", step),
        ];
        let id = MessageId(Uuid::from_u128(id));
        let entries = targets
            .map(|target| PushEntry { id, accepted_micros, receipt, target, frame: &frame, collapse_key: None });
        for layout in [EntryLayout::Bare, EntryLayout::Framed] {
            // A bare one has no room for it.
            let key = key.as_deref().filter(|_| layout == EntryLayout::Framed);
            let entries = entries.clone().map(|entry| PushEntry { collapse_key: key, ..entry });
            let mut body = BytesMut::new();
            entries.iter().for_each(|entry| entry.encode(layout, &mut body));
            let decoded: Result<Vec<_>, _> = PushEntries::new(&body, layout).collect();
            prop_assert_eq!(decoded.expect("valid"), &entries);
        }
    }

    #[test]
    fn presence_survives_the_wire(users in prop::collection::vec(name(), 0..20)) {
        let mut changes = vec![PresenceChange::SnapshotBegin];
        changes.extend(users.iter().map(|user| PresenceChange::Came(user)));
        changes.push(PresenceChange::SnapshotEnd);
        changes.extend(users.iter().map(|user| PresenceChange::Went(user)));
        changes.push(PresenceChange::TopicsBegin);
        changes.extend(users.iter().map(|topic| PresenceChange::Wanted(topic)));
        changes.extend([PresenceChange::TopicsEnd, PresenceChange::AllTopics]);
        changes.extend(users.iter().map(|topic| PresenceChange::Unwanted(topic)));
        for claim in [Claim::New, Claim::Held] {
            let claimed = |user| PresenceChange::Claimed { user, device: "d", claim };
            changes.extend(users.iter().map(|user| claimed(user)));
        }
        changes.extend([PresenceChange::Chose(Uuid::max()), PresenceChange::Left(Uuid::nil())]);
        let mut body = BytesMut::new();
        changes.iter().for_each(|change| change.encode(&mut body));
        let decoded: Result<Vec<_>, _> = PresenceChanges::new(&body).collect();
        prop_assert_eq!(decoded.expect("valid"), changes);
    }

    #[test]
    fn garbage_is_refused_without_a_panic(garbage: Vec<u8>) {
        let _ = Down::decode(&mut BytesMut::from(garbage.as_slice()));
        let _ = Up::decode(&mut BytesMut::from(garbage.as_slice()));
        PushEntries::new(&garbage, EntryLayout::Bare).for_each(drop);
        PushEntries::new(&garbage, EntryLayout::Framed).for_each(drop);
        PresenceChanges::new(&garbage).for_each(drop);
    }
}
