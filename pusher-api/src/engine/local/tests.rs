use std::{sync::Arc, time::Duration};

use protocol::{
    MessageId,
    link::{EntryLayout, PushEntries, TargetRef},
};
use uuid::Uuid;

use super::{engine::LocalEngine, link::handle::Link, presence::Epoch};
use crate::{
    engine::contract::{Dispatch, Engine, NamedPush, Refused},
    receipts::Receipts,
    settings::Settings,
    validate::parse,
};

struct Fixture {
    engine: LocalEngine,
    links: Vec<Arc<Link>>,
}

/// An engine whose gateways are connected as far as it can tell, without any socket.
fn fixture(bounds: &[usize]) -> Fixture {
    let engine = LocalEngine::new(&Settings::default(), Receipts::new(1), Arc::default());
    let engine = engine.expect("no file is read");
    let gateways = &engine.services.gateways;
    let open = |(instance, bound): (u128, &usize)| {
        let link = gateways.add("127.0.0.1:1".parse().unwrap(), *bound);
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
                    |entry| match entry.expect("our own encoding").target {
                        TargetRef::User(user) => user.to_owned(),
                        TargetRef::Users(users) => users.join("+"),
                        TargetRef::Topic(topic) => format!("#{topic}"),
                        TargetRef::All => "*".to_owned(),
                    },
                ));
            }
        }
        targets
    }
}

async fn add(dispatch: &mut impl Dispatch, to: &str, length: usize) -> Result<usize, Refused> {
    let body = format!(r#"{{"to":{to},"data":1}}"#);
    let push = parse(body.as_bytes()).expect(to);
    let frame = vec![b'x'; length];
    let id = MessageId::generate();
    let (to, frame) = (&push.to, frame.as_slice());
    dispatch.add(&NamedPush { id, accepted_micros: 0, receipt: false, to, frame }).await
}

#[actix_rt::test]
async fn pushes_keep_their_order_on_the_way_to_each_gateway() {
    let fixture = fixture(&[10_000, 10_000]);
    fixture.came("a", 0);
    fixture.came("b", 1);
    let mut dispatch = fixture.engine.dispatch(0);
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

#[actix_rt::test]
async fn a_push_is_taken_by_all_its_gateways_or_by_none() {
    let fixture = fixture(&[10_000, 200]);
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(&mut dispatch, r#"{"all":true}"#, 100).await, Ok(2));
    let refused = add(&mut dispatch, r#"{"all":true}"#, 100).await;
    assert_eq!(refused, Err(Refused::Full("g2".into())));
    drop(dispatch);
    assert_eq!((fixture.sent(0).len(), fixture.sent(1).len()), (1, 1));
    assert_eq!(fixture.links[0].room.taken(), fixture.links[1].room.taken());
    fixture.links.iter().for_each(|link| link.acknowledge(1));
    assert_eq!(fixture.links[0].room.taken() + fixture.links[1].room.taken(), 0);
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(&mut dispatch, r#"{"all":true}"#, 100).await, Ok(2), "there is room again");
}

#[actix_rt::test]
async fn a_lost_gateway_is_queued_for_until_it_is_given_up() {
    let fixture = fixture(&[10_000]);
    fixture.came("a", 0);
    let link = &fixture.links[0];
    link.ended();
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Ok(1));
    dispatch.flush();
    assert!(link.room.taken() > 0);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Ok(1));
    assert_eq!(link.give_up().pushes, 1);
    dispatch.flush();
    assert_eq!(link.room.taken(), 0, "what came too late is not held for ever");
    assert_eq!(fixture.engine.services.metrics.dropped_at_loss.get(), 1);
    assert_eq!(add(&mut dispatch, r#"{"user":"a"}"#, 10).await, Err(Refused::NoGateway));
}

#[actix_rt::test]
async fn a_full_gateway_holds_up_who_sends_to_it() {
    let fixture = fixture(&[1000]);
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(&mut dispatch, r#"{"all":true}"#, 700).await, Ok(1));
    dispatch.flush();
    let waited = tokio::time::timeout(Duration::from_millis(5), dispatch.eased()).await;
    assert!(waited.is_err());
    assert_eq!(fixture.sent(0), ["*"]);
    futures::join!(dispatch.eased(), async { fixture.links[0].acknowledge(1) });
}
