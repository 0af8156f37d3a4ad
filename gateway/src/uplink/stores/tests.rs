use std::sync::Arc;

use bytes::BytesMut;
use futures::FutureExt;

use super::*;
use crate::uplink::queue::LinkQueue;

const OWN: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

/// What links were told, and what those who asked heard.
struct World {
    stores: Stores,
    heard: Arc<Mutex<Vec<StoreAnswer>>>,
    now: Instant,
}

impl World {
    fn new() -> Self {
        Self { stores: Stores::default(), heard: Arc::default(), now: Instant::now() }
    }

    fn ask(&self) {
        let heard = Arc::clone(&self.heard);
        let asker = Box::new(move |answer| heard.lock().push(answer));
        self.stores.ask(StoreQuestion::ChangedSince(None), self.now, asker);
    }

    fn heard(&self) -> Vec<StoreAnswer> {
        std::mem::take(&mut *self.heard.lock())
    }
}

fn way() -> Way {
    Way(Arc::<LinkQueue>::default())
}

/// What a link was told since: stores, and the numbers of questions.
fn told(way: &Way) -> (Vec<Option<Uuid>>, Vec<u64>) {
    let mut written = BytesMut::new();
    while let Some(Some(bytes)) = way.0.next().now_or_never() {
        written.extend_from_slice(&bytes);
    }
    let (mut stores, mut questions) = (Vec::new(), Vec::new());
    while let Some(frame) = Up::decode(&mut written).expect("frames") {
        match frame {
            Up::Store(store) => stores.push(store),
            Up::StoreQuestion { question, .. } => questions.push(question),
            other => panic!("{other:?}"),
        }
    }
    (stores, questions)
}

fn is_away(heard: &[StoreAnswer]) -> bool {
    matches!(heard, [StoreAnswer::Away(_)])
}

#[test]
fn what_is_known_of_the_store_follows_from_the_links() {
    let (world, one, two) = (World::new(), way(), way());
    assert_eq!(world.stores.standing(), Standing::Unknown);
    world.ask();
    assert!(is_away(&world.heard()), "there is nobody to ask");
    world.stores.offered(&one, None);
    assert_eq!(world.stores.standing(), Standing::Absent);
    world.stores.offered(&two, Some(OWN));
    assert_eq!((world.stores.standing(), told(&two)), (Standing::Here, (vec![Some(OWN)], vec![])));
    world.stores.lost(&two, world.now);
    assert_eq!(world.stores.standing(), Standing::Away);
    assert!(!world.stores.take_stranded());
    world.stores.strand();
    assert!(world.stores.take_stranded() && !world.stores.take_stranded());
}

#[test]
fn a_question_of_a_lost_link_is_asked_at_another_and_answered_once() {
    let (world, one, two) = (World::new(), way(), way());
    for way in [&one, &two] {
        world.stores.offered(way, Some(OWN));
        told(way);
    }
    world.ask();
    let (_, asked) = told(&one);
    assert_eq!((asked.len(), told(&two).1.len()), (1, 0));
    world.stores.lost(&one, world.now);
    assert_eq!(told(&two).1, asked);
    world.stores.on_answer(&one, asked[0], StoreAnswer::Acknowledged);
    assert_eq!(world.heard(), [], "it was asked there no more");
    world.stores.on_answer(&two, asked[0], StoreAnswer::Acknowledged);
    world.stores.on_answer(&two, asked[0], StoreAnswer::Acknowledged);
    assert_eq!((world.heard(), world.stores.waiting()), (vec![StoreAnswer::Acknowledged], 0));
    world.ask();
    world.stores.lost(&two, world.now);
    assert!(is_away(&world.heard()), "nobody else has it");
}

#[test]
fn nobody_waits_for_longer_than_that() {
    let (mut world, one) = (World::new(), way());
    world.stores.offered(&one, Some(OWN));
    world.ask();
    world.now += PATIENCE;
    world.stores.look(world.now);
    assert_eq!(world.heard(), []);
    world.now += Duration::from_millis(1);
    world.stores.look(world.now);
    assert!(is_away(&world.heard()));
}

#[test]
fn another_store_is_refused_until_nobody_has_had_the_own_for_long() {
    let (mut world, one, two) = (World::new(), way(), way());
    world.stores.offered(&one, Some(OWN));
    world.stores.offered(&two, Some(OTHER));
    assert_eq!(told(&two).0, [Some(OWN)], "which is not its own");
    world.ask();
    assert_eq!(told(&two).1, <[u64; 0]>::default());
    world.stores.lost(&one, world.now);
    world.now += OTHER_AFTER / 2;
    world.stores.look(world.now);
    assert_eq!((world.stores.standing(), told(&two).0), (Standing::Away, vec![]));
    world.now += OTHER_AFTER;
    world.stores.look(world.now);
    assert_eq!((world.stores.standing(), told(&two).0), (Standing::Here, vec![Some(OTHER)]));
    world.ask();
    assert_eq!(told(&two).1.len(), 1);
    world.stores.offered(&one, Some(OWN));
    assert_eq!(told(&one).0, vec![Some(OWN), Some(OTHER)], "what it had is refused now");
}

#[test]
fn a_store_that_another_process_had_is_expected_for_a_moment() {
    let world = World::new();
    let held = || HeldStore { store: Some(OWN), is_absent: false, position: None };
    world.stores.resume(held(), world.now);
    assert_eq!(world.stores.standing(), Standing::Here);
    world.ask();
    assert!(world.heard().is_empty(), "it waits");
    // Who has another one is not asked.
    let (way, other) = (way(), way());
    world.stores.offered(&other, Some(OTHER));
    assert_eq!(told(&other).1, <[u64; 0]>::default());
    world.stores.offered(&way, Some(OWN));
    let (_, questions) = told(&way);
    assert_eq!(questions.len(), 1, "it is asked what has waited");
    world.stores.on_answer(&way, questions[0], StoreAnswer::Acknowledged);
    assert_eq!(world.heard(), [StoreAnswer::Acknowledged]);
    assert_eq!(world.stores.held().store, Some(OWN));

    let world = World::new();
    world.stores.resume(held(), world.now);
    world.ask();
    world.stores.look(world.now + EXPECTED);
    assert!(world.heard().is_empty() && world.stores.standing() == Standing::Here);
    world.stores.look(world.now + EXPECTED + Duration::from_millis(1));
    assert!(is_away(&world.heard()) && world.stores.standing() == Standing::Away);

    let world = World::new();
    let none = HeldStore { store: None, is_absent: true, position: None };
    world.stores.resume(none, world.now);
    assert_eq!(world.stores.standing(), Standing::Absent);
}
