use std::{sync::Arc, time::Duration};

use protocol::{
    MessageId,
    link::{PushEntries, TargetRef},
};
use uuid::Uuid;

use super::{
    engine::LocalEngine,
    link::{handle::Link, services::Services},
    presence::Epoch,
};
use crate::{
    engine::contract::{Dispatch, Engine, Outgoing, Refused},
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
    let services = Services::new(&Settings::default(), Receipts::new(1), Arc::default());
    let services = Arc::new(services.expect("no secret"));
    let open = |(instance, bound): (u128, &usize)| {
        let link = services.gateways.add("127.0.0.1:1".parse().unwrap(), *bound);
        link.welcome(Uuid::from_u128(instance), 0, &format!("g{instance}"));
        link.synced();
        link
    };
    let links = (1..).zip(bounds).map(open).collect();
    services.gateways.set_looked_up();
    let engine = LocalEngine { services, timeout: Duration::from_secs(1) };
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
                targets.extend(PushEntries::new(&segment.bytes).map(|entry| {
                    match entry.expect("our own encoding").target {
                        TargetRef::User(user) => user.to_owned(),
                        TargetRef::Users(users) => users.join("+"),
                        TargetRef::Topic(topic) => format!("#{topic}"),
                        TargetRef::All => "*".to_owned(),
                    }
                }));
            }
        }
        targets
    }
}

fn add(dispatch: &mut dyn Dispatch, to: &str, length: usize) -> Result<usize, Refused> {
    let body = format!(r#"{{"to":{to},"data":1}}"#);
    let push = parse(body.as_bytes()).expect(to);
    let frame = vec![b'x'; length];
    let id = MessageId::generate();
    let (to, frame) = (&push.to, frame.as_slice());
    dispatch.add(&Outgoing { id, accepted_micros: 0, receipt: false, to, frame })
}

#[test]
fn pushes_keep_their_order_on_the_way_to_each_gateway() {
    let fixture = fixture(&[10_000, 10_000]);
    fixture.came("a", 0);
    fixture.came("b", 1);
    let mut dispatch = fixture.engine.dispatch(0);
    let targets = [
        r#"{"user":"a"}"#,
        r#"{"users":["a","b"]}"#,
        r#"{"topic":"t"}"#,
        r#"{"user":"nobody"}"#,
        r#"{"user":"b"}"#,
        r#"{"all":true}"#,
    ];
    let counts = targets.map(|to| add(dispatch.as_mut(), to, 10).expect(to));
    assert_eq!(counts, [1, 2, 2, 0, 1, 2]);
    assert!(fixture.sent(0).is_empty(), "nothing is handed over before the flush");
    drop(dispatch);
    assert_eq!(fixture.sent(0), ["a", "a", "#t", "*"]);
    assert_eq!(fixture.sent(1), ["b", "#t", "b", "*"]);
}

#[test]
fn a_push_is_taken_by_all_its_gateways_or_by_none() {
    let fixture = fixture(&[10_000, 200]);
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(dispatch.as_mut(), r#"{"all":true}"#, 100), Ok(2));
    let refused = add(dispatch.as_mut(), r#"{"all":true}"#, 100);
    assert_eq!(refused, Err(Refused::Full("g2".into())));
    drop(dispatch);
    assert_eq!((fixture.sent(0).len(), fixture.sent(1).len()), (1, 1));
    assert_eq!(fixture.links[0].room.taken(), fixture.links[1].room.taken());
    fixture.links.iter().for_each(|link| link.acknowledge(1));
    assert_eq!(fixture.links[0].room.taken() + fixture.links[1].room.taken(), 0);
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(dispatch.as_mut(), r#"{"all":true}"#, 100), Ok(2), "there is room again");
}

#[test]
fn a_lost_gateway_is_queued_for_until_it_is_given_up() {
    let fixture = fixture(&[10_000]);
    fixture.came("a", 0);
    let link = &fixture.links[0];
    link.ended();
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(dispatch.as_mut(), r#"{"user":"a"}"#, 10), Ok(1));
    dispatch.flush();
    assert!(link.room.taken() > 0);
    assert_eq!(add(dispatch.as_mut(), r#"{"user":"a"}"#, 10), Ok(1));
    assert_eq!(link.give_up().pushes, 1);
    dispatch.flush();
    assert_eq!(link.room.taken(), 0, "what came too late is not held for ever");
    assert_eq!(fixture.engine.services.metrics.dropped_at_loss.get(), 1);
    assert_eq!(add(dispatch.as_mut(), r#"{"user":"a"}"#, 10), Err(Refused::NoGateway));
}

#[actix_rt::test]
async fn a_full_gateway_holds_up_who_sends_to_it() {
    let fixture = fixture(&[1000]);
    let mut dispatch = fixture.engine.dispatch(0);
    assert_eq!(add(dispatch.as_mut(), r#"{"all":true}"#, 700), Ok(1));
    dispatch.flush();
    let waited = tokio::time::timeout(Duration::from_millis(5), dispatch.eased()).await;
    assert!(waited.is_err());
    assert_eq!(fixture.sent(0), ["*"]);
    futures::join!(dispatch.eased(), async { fixture.links[0].acknowledge(1) });
}
