use std::{sync::Arc, time::Duration};

use protocol::{
    MessageId,
    kept::{Log, Place, Step},
    link::{EntryLayout, FanOutWork, Offer, PushEntries, TargetRef, Terms},
};
use store::contract::KeptPayload;
use uuid::Uuid;

use super::{
    backlog::within,
    engine::LocalEngine,
    link::{
        fan_out::FanOuts,
        handle::{Bounds, Link},
        room::Certainty,
    },
    presence::Epoch,
};
use crate::{
    engine::contract::{Dispatch, Engine, Handed, Haste, NamedPush, Refused, StoredPush},
    receipts::Receipts,
    settings::Settings,
    status::{GatewayIndex, GatewayIndexes},
    validate::parse,
};

struct Fixture {
    engine: LocalEngine,
    links: Vec<Arc<Link>>,
}

/// An engine whose gateways are connected as far as it can tell, without any socket.
fn fixture(bounds: &[usize]) -> Fixture {
    let settings = Settings::default();
    let (keys, receipts, metrics) = (Arc::default(), Receipts::new(1), Arc::default());
    let engine = LocalEngine::new(&settings, &keys, &receipts, &Arc::default(), &metrics);
    let gateways = &engine.services.gateways;
    let open = |(instance, bound): (u128, &usize)| {
        let link = gateways.add("127.0.0.1:1".parse().unwrap(), Bounds::of_queue(*bound));
        link.welcome(Uuid::from_u128(instance), 0, &format!("g{instance}"));
        link.synced();
        link
    };
    let links = (1..).zip(bounds).map(open).collect();
    gateways.set_looked_up();
    Fixture { engine, links }
}

impl Fixture {
    fn came(&self, user: &str, gateway: usize) {
        self.engine.services.presence.came(user, self.links[gateway].index, Epoch(1));
    }

    /// The targets in what the gateway would be sent.
    fn sent(&self, gateway: usize) -> Vec<String> {
        let mut targets = Vec::new();
        while let Some(writable) = self.links[gateway].take_writable() {
            for segment in writable.batch.iter().flat_map(|batch| batch.segments.iter()) {
                targets.extend(PushEntries::new(&segment.bytes, EntryLayout::Framed).map(
                    |entry| {
                        match entry.expect("our own encoding").target {
                            TargetRef::User(user) => user.to_owned(),
                            TargetRef::Users(users) => users.join("+"),
                            TargetRef::Topic(topic) => format!("#{topic}"),
                            TargetRef::All => "*".to_owned(),
                            TargetRef::KeptUsers(users) => users
                                .iter()
                                .map(|(user, step)| format!("{user}@{}", step.place.number))
                                .collect::<Vec<_>>()
                                .join("+"),
                            TargetRef::KeptTopic(topic, step) => {
                                format!("#{topic}@{}", step.place.number)
                            }
                        }
                    },
                ));
            }
        }
        targets
    }
}

async fn add(dispatch: &mut impl Dispatch, to: &str, length: usize) -> Result<usize, Refused> {
    hand(dispatch, to, length).await.map(|handed| handed.gateways.len())
}

async fn hand(dispatch: &mut impl Dispatch, to: &str, length: usize) -> Result<Handed, Refused> {
    let body = format!(r#"{{"to":{to},"data":1}}"#);
    let push = parse(body.as_bytes()).expect(to);
    let frame = vec![b'x'; length];
    let id = MessageId::generate();
    let (to, frame) = (&push.to, frame.as_slice());
    dispatch
        .add(&NamedPush { id, accepted_micros: 0, receipt: true, to, frame, collapse_key: None })
        .await
}

#[actix_rt::test]
async fn pushes_keep_their_order_on_the_way_to_each_gateway() {
    let fixture = fixture(&[10_000, 10_000]);
    fixture.came("a", 0);
    fixture.came("b", 1);
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    let targets = [
        (r#"{"user":"a"}"#, 1),
        (r#"{"users":["a","b"]}"#, 2),
        (r#"{"topic":"t"}"#, 2),
        (r#"{"user":"nobody"}"#, 0),
        (r#"{"user":"b"}"#, 1),
        (r#"{"all":true}"#, 2),
    ];
    for (to, gateways) in targets {
        assert_eq!(add(&mut dispatch, to, 10).await, Ok(gateways), "{to}");
    }
    assert!(fixture.sent(0).is_empty(), "nothing is handed over before the flush");
    drop(dispatch);
    assert_eq!(fixture.sent(0), ["a", "a", "#t", "*"]);
    assert_eq!(fixture.sent(1), ["b", "#t", "b", "*"]);
}

fn indexes(gateways: &[&Arc<Link>]) -> GatewayIndexes {
    gateways.iter().map(|link| link.index).collect()
}

#[actix_rt::test]
async fn a_full_gateway_refuses_its_own_users_only() {
    let fixture = fixture(&[10_000, 300]);
    let [healthy, full] = [&fixture.links[0], &fixture.links[1]];
    ["a", "both"].iter().for_each(|user| fixture.came(user, 0));
    ["b", "both"].iter().for_each(|user| fixture.came(user, 1));
    assert!(full.room.reserve(300, Certainty::Known));
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    let refused = Err(Refused::Full("g2".into()));
    for to in [r#"{"user":"b"}"#, r#"{"users":["b","nobody"]}"#] {
        assert_eq!(hand(&mut dispatch, to, 100).await, refused, "{to}");
    }
    for to in
        [r#"{"users":["a","b"]}"#, r#"{"user":"both"}"#, r#"{"topic":"t"}"#, r#"{"all":true}"#]
    {
        let handed = hand(&mut dispatch, to, 100).await.expect(to);
        let expected = (indexes(&[healthy]), indexes(&[full]));
        assert_eq!((handed.gateways, handed.no_room), expected, "{to}");
    }
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 100).await, Ok(1));
    drop(dispatch);
    assert_eq!(fixture.sent(0), ["a", "both", "#t", "*", "a"]);
    assert_eq!(fixture.sent(1), <[String; 0]>::default());
    assert_eq!(fixture.engine.services.metrics.pushes.dropped_for_room.get(), 4);
    full.room.give_back(300, Certainty::Known);
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    assert_eq!(add(&mut dispatch, r#"{"all":true}"#, 100).await, Ok(2), "there is room again");
    drop(dispatch);
    assert_eq!((fixture.sent(0), fixture.sent(1)), (vec!["*".to_owned()], vec!["*".to_owned()]));
    healthy.acknowledge(2);
    full.acknowledge(1);
    assert_eq!(healthy.room.taken() + full.room.taken(), 0);
}

#[actix_rt::test]
async fn where_only_one_gateway_may_hold_the_user_its_room_decides() {
    let fixture = fixture(&[10_000, 1000]);
    let [known, lost] = [&fixture.links[0], &fixture.links[1]];
    fixture.came("a", 0);
    fixture.came("l", 1);
    lost.ended();
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    let handed = hand(&mut dispatch, r#"{"user":"x"}"#, 100).await.expect("it may be there");
    assert_eq!((handed.gateways, handed.online), (indexes(&[lost]), false));
    let refused = hand(&mut dispatch, r#"{"user":"x"}"#, 100).await;
    assert_eq!(refused, Err(Refused::Full("g2".into())), "its share is used up");
    let handed = hand(&mut dispatch, r#"{"user":"a"}"#, 100).await.expect("it is known elsewhere");
    let expected = (indexes(&[known]), indexes(&[lost]), true);
    assert_eq!((handed.gateways, handed.no_room, handed.online), expected);
    assert_eq!(add(&mut dispatch, r#"{"user":"l"}"#, 500).await, Ok(1), "who is known has room");
    drop(dispatch);
    assert_eq!(fixture.sent(1), ["x", "l"]);
    lost.acknowledge(1);
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    assert_eq!(add(&mut dispatch, r#"{"user":"x"}"#, 100).await, Ok(1), "the share is free again");
}

#[actix_rt::test]
async fn a_known_gateway_without_room_is_not_made_up_for_by_one_that_may_hold_the_user() {
    let fixture = fixture(&[300, 10_000]);
    fixture.came("a", 0);
    fixture.links[1].ended();
    assert!(fixture.links[0].room.reserve(300, Certainty::Known));
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    let refused = hand(&mut dispatch, r#"{"user":"a"}"#, 100).await;
    assert_eq!(refused, Err(Refused::Full("g1".into())));
    drop(dispatch);
    assert_eq!(fixture.links[1].room.taken(), 0, "it was taken back");
    assert_eq!(fixture.sent(1), <[String; 0]>::default());
}

#[actix_rt::test]
async fn who_was_given_up_on_is_named_when_there_is_a_way_again() {
    let fixture = fixture(&[10_000, 10_000]);
    let link = &fixture.links[0];
    fixture.came("a", 0);
    link.ended();
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Ok(1));
    assert_eq!(add(&mut dispatch, r#"{"user":"b"}"#, 10).await, Ok(1), "it may have come");
    dispatch.flush();
    link.give_up();
    let handed = hand(&mut dispatch, r#"{"users":["c","d"]}"#, 10).await.expect("nobody");
    assert_eq!((handed.gateways.len(), handed.away), (0, indexes(&[link])));
    assert_eq!(add(&mut dispatch, r#"{"topic":"t"}"#, 10).await, Ok(1));
    let mut missed = link.take_missed().expect("names");
    missed.users.sort();
    let users: Vec<_> = missed.users.iter().map(protocol::UserId::as_str).collect();
    assert_eq!(users, ["a", "b", "c", "d"]);
    assert_eq!((missed.topics.len(), missed.everybody), (1, false));
    assert_eq!(fixture.links[1].take_missed(), None);
}

#[actix_rt::test]
async fn a_lost_gateway_is_queued_for_until_it_is_given_up() {
    let fixture = fixture(&[10_000]);
    fixture.came("a", 0);
    let link = &fixture.links[0];
    link.ended();
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Ok(1));
    dispatch.flush();
    assert!(link.room.taken() > 0);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Ok(1));
    assert_eq!(link.give_up().pushes, 1);
    dispatch.flush();
    assert_eq!(link.room.taken(), 0, "what came too late is not held for ever");
    assert_eq!(fixture.engine.services.metrics.pushes.dropped_at_loss.get(), 1);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Err(Refused::NoGateway));
}

#[actix_rt::test]
async fn who_is_patient_waits_for_the_gateways_of_its_own_pushes() {
    tokio::time::pause();
    let fixture = fixture(&[1000, 1000]);
    fixture.came("a", 0);
    fixture.came("b", 1);
    let full = &fixture.links[1];
    assert!(full.room.reserve(1000, Certainty::Known));
    let mut dispatch = fixture.engine.dispatch(0, Haste::Patient);
    let begun = tokio::time::Instant::now();
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 100).await, Ok(1));
    assert_eq!(begun.elapsed(), Duration::ZERO, "the full one is not its own");
    assert_eq!(add(&mut dispatch, r#"{"user":"b"}"#, 100).await, Err(Refused::Full("g2".into())));
    let waited = begun.elapsed();
    assert!(waited > Duration::ZERO, "it might have caught up");
    assert_eq!(fixture.sent(0), ["a"], "nobody else waited with it");
    assert_eq!(add(&mut dispatch, r#"{"user":"b"}"#, 100).await, Err(Refused::Full("g2".into())));
    assert_eq!(begun.elapsed(), waited, "once in vain is enough");
    full.room.give_back(1000, Certainty::Known);
    dispatch.flush();
    assert!(full.room.reserve(600, Certainty::Known));
    let (added, ()) = futures::join!(add(&mut dispatch, r#"{"user":"b"}"#, 100), async {
        full.room.give_back(600, Certainty::Known);
    });
    assert_eq!((added, full.room.taken() < 600), (Ok(1), true));
}

#[actix_rt::test]
async fn gateways_that_come_during_a_long_body_get_its_pushes() {
    let fixture = fixture(&[1000]);
    let mut dispatch = fixture.engine.dispatch(0, Haste::Patient);
    dispatch.flush();
    let link = fixture
        .engine
        .services
        .gateways
        .add("127.0.0.1:1".parse().unwrap(), Bounds::of_queue(1000));
    link.welcome(Uuid::from_u128(2), 0, "late");
    fixture.engine.services.presence.came("u", link.index, Epoch(1));
    link.synced();
    assert_eq!(link.index, GatewayIndex(1));
    assert_eq!(add(&mut dispatch, r#"{"user":"u"}"#, 10).await, Ok(1));
}

const ALL: &str = r#"{"all":true}"#;

/// How many are taken of so many pushes.
async fn taken(dispatch: &mut impl Dispatch, to: &str, of: usize) -> usize {
    let mut taken = 0;
    for _ in 0..of {
        taken += usize::from(add(dispatch, to, 10).await.is_ok());
    }
    taken
}

fn work(behind_millis: u64) -> FanOutWork {
    FanOutWork { behind_micros: behind_millis * 1000, all_micros: 100_000, topic_micros: 10_000 }
}

#[actix_rt::test]
async fn what_a_gateway_cannot_bring_in_time_is_refused_and_nothing_else() {
    let fixture = fixture(&[1 << 20, 1 << 20]);
    let [slow, old] = [&fixture.links[0], &fixture.links[1]];
    fixture.came("a", 0);
    slow.fan_outs.told(work(0));
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    assert_eq!(taken(&mut dispatch, ALL, 1000).await, 20);
    let refused = add(&mut dispatch, ALL, 10).await.expect_err("2 s of work");
    assert_eq!(refused, Refused::Behind("g1".into(), Duration::from_millis(100)));
    assert!(refused.to_string().contains("gateway g1 is behind"), "{refused}");
    assert!(add(&mut dispatch, r#"{"topic":"t"}"#, 10).await.is_err());
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Ok(1), "users are let through");
    dispatch.flush();
    assert_eq!((fixture.sent(0).len(), fixture.sent(1).len()), (21, 20));
    assert_eq!(fixture.engine.services.metrics.pushes.fan_outs_refused.get(), 982);
    // The gateway tells what it has to do, then acknowledges.
    slow.fan_outs.told(work(1850));
    slow.acknowledge(1);
    assert_eq!(taken(&mut dispatch, ALL, 5).await, 1);
    old.acknowledge(1);
    slow.ended();
    dispatch.flush();
    slow.give_up();
    assert_eq!(taken(&mut dispatch, ALL, 100).await, 100, "the other one tells nothing");
}

#[actix_rt::test]
async fn a_patient_request_waits_until_its_gateways_can_bring_more() {
    let fixture = fixture(&[1 << 20]);
    let link = &fixture.links[0];
    link.fan_outs.told(work(2000));
    let mut dispatch = fixture.engine.dispatch(0, Haste::Patient);
    let eased = async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        link.fan_outs.told(work(0));
    };
    let (added, ()) = futures::join!(add(&mut dispatch, ALL, 10), eased);
    assert_eq!(added, Ok(1));
    link.fan_outs.told(work(5000));
    let links = fixture.engine.services.gateways.all();
    let waited = within(Duration::from_millis(60), &links, FanOuts { all: 1, topics: 0 }).await;
    assert!(matches!(waited, Err(Refused::Behind(..))), "{waited:?}");
}

#[actix_rt::test]
async fn a_gateway_without_subscribers_holds_up_no_push_to_their_topic() {
    let fixture = fixture(&[1 << 20, 1 << 20]);
    let [there, slow] = [&fixture.links[0], &fixture.links[1]];
    let topics = &fixture.engine.services.topics;
    let list = slow.interest.begin_anew();
    assert!(topics.add("other", slow.index, &slow.interest, list));
    slow.interest.complete(list);
    slow.fan_outs.told(work(5000));
    assert!(slow.room.reserve(1 << 20, Certainty::Known), "nor has it room");
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    let handed = hand(&mut dispatch, r#"{"topic":"t"}"#, 10).await.expect("it is not its own");
    assert_eq!((handed.gateways, handed.no_room), (indexes(&[there]), indexes(&[])));
    for to in [r#"{"topic":"other"}"#, ALL] {
        let refused = add(&mut dispatch, to, 10).await;
        assert!(matches!(refused, Err(Refused::Behind(..))), "{to}");
    }
    slow.ended();
    slow.fan_outs.told(work(0));
    slow.room.give_back(1 << 20, Certainty::Known);
    let handed = hand(&mut dispatch, r#"{"topic":"t"}"#, 10).await.expect("it may be there");
    assert_eq!(handed.gateways, indexes(&[there, slow]), "nobody knows who subscribes there now");
}

fn step(number: u64) -> Step {
    Step { before: Place::START, place: Place { number, check: 1 } }
}

/// Tells of a push that is kept for these, at these places.
async fn tell(dispatch: &mut impl Dispatch, logs: &[&str], steps: &[Option<Step>]) -> Handed {
    let log = |name: &&str| match name.strip_prefix('#') {
        Some(topic) => Log::Topic(topic.parse().expect("a topic")),
        None => Log::User(name.parse().expect("a user")),
    };
    let logs: Vec<_> = logs.iter().map(log).collect();
    let payload = KeptPayload::Json(bytes::Bytes::from_static(b"1"));
    let (id, accepted_micros, receipt) = (MessageId::generate(), 0, true);
    let (logs, payload) = (&logs[..], &payload);
    dispatch.tell(&StoredPush { id, accepted_micros, receipt, logs, steps, payload }).await
}

fn kept_terms() -> Terms {
    Offer::OURS.agree(Offer::OURS).expect("the same build")
}

#[actix_rt::test]
async fn what_is_kept_is_told_to_those_who_hold_it_and_not_twice() {
    let fixture = fixture(&[10_000, 10_000]);
    fixture.links.iter().for_each(|link| link.begin(kept_terms()));
    ["a", "both"].iter().for_each(|user| fixture.came(user, 0));
    ["b", "both"].iter().for_each(|user| fixture.came(user, 1));
    let [first, second] = [&fixture.links[0], &fixture.links[1]];
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    let handed = tell(&mut dispatch, &["a"], &[Some(step(1))]).await;
    assert_eq!((handed.gateways, handed.online), (indexes(&[first]), true));
    let steps = [Some(step(2)), None, Some(step(3)), Some(step(4))];
    let handed = tell(&mut dispatch, &["a", "b", "both", "nobody"], &steps).await;
    assert_eq!(handed.gateways, indexes(&[first, second]));
    let handed = tell(&mut dispatch, &["a"], &[None]).await;
    assert_eq!((handed.gateways, handed.online), (indexes(&[]), false), "it has had it");
    tell(&mut dispatch, &["#t"], &[Some(step(5))]).await;
    drop(dispatch);
    assert_eq!(fixture.sent(0), ["a@1", "a@2+both@3", "#t@5"]);
    assert_eq!(fixture.sent(1), ["both@3", "#t@5"]);
}

#[actix_rt::test]
async fn what_is_kept_is_never_refused_and_nobody_misses_it() {
    let fixture = fixture(&[300, 10_000, 10_000]);
    let [full, lost, old] = [&fixture.links[0], &fixture.links[1], &fixture.links[2]];
    [full, lost].iter().for_each(|link| link.begin(kept_terms()));
    (0..3).for_each(|gateway| fixture.came("u", gateway));
    assert!(full.room.reserve(300, Certainty::Known));
    let mut dispatch = fixture.engine.dispatch(0, Haste::Now);
    tell(&mut dispatch, &["u"], &[Some(step(1))]).await;
    dispatch.flush();
    lost.ended();
    let handed = tell(&mut dispatch, &["u"], &[Some(step(2))]).await;
    let mut away = handed.away.clone();
    away.sort();
    assert_eq!((handed.gateways, away), (indexes(&[]), indexes(&[full, lost, old])));
    assert!(handed.no_room.is_empty() && handed.online);
    drop(dispatch);
    assert_eq!(lost.give_up().pushes, 0, "what was queued before is kept, too");
    for link in [full, lost, old] {
        assert_eq!(link.take_missed(), None);
    }
    full.room.give_back(300, Certainty::Known);
    assert_eq!(fixture.sent(0), <[String; 0]>::default());
    assert_eq!(fixture.sent(2), <[String; 0]>::default());
}
