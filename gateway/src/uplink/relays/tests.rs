//! Who is asked, in which order, and what is made of the answers.

use std::sync::Arc;

use bytes::BytesMut;
use futures::FutureExt;
use protocol::{SessionId, UserId, link::Errand};

use super::{
    super::queue::LinkQueue,
    RelayAnswer::{Done, Lost, NoWay, NotHere},
    *,
};

/// What was said to who waits.
type Heard = Arc<Mutex<Vec<RelayAnswer>>>;

/// So many bytes of frames for a session.
fn relayed(frames: usize) -> Relayed {
    Relayed {
        user: UserId::new("u").unwrap(),
        device: None,
        session: SessionId(1),
        errand: Errand::Frames("x".repeat(frames)),
        within_ms: 1000,
    }
}

struct Fixture {
    relays: Relays,
    ways: [Way; 2],
    now: Instant,
}

impl Fixture {
    fn new() -> Self {
        let ways = [(); 2].map(|()| Way(Arc::<LinkQueue>::default()));
        Self { relays: Relays::default(), ways, now: Instant::now() }
    }

    /// Asks, the second way first.
    fn ask(&self, frames: usize) -> Heard {
        let heard = Heard::default();
        let told = Arc::clone(&heard);
        let asker = Box::new(move |answer| told.lock().push(answer));
        self.relays.ask(relayed(frames), self.ways.to_vec(), self.now, asker);
        heard
    }

    /// The numbers of what a way was asked since it was looked last.
    fn asked(&self, way: usize) -> Vec<u64> {
        let Some(Some(bytes)) = self.ways[way].0.next().now_or_never() else { return Vec::new() };
        let mut bytes = BytesMut::from(&bytes[..]);
        let frames = std::iter::from_fn(|| Up::decode(&mut bytes).unwrap());
        let number = |frame| match frame {
            Up::Relay { relay, .. } => relay,
            other => panic!("{other:?}"),
        };
        frames.map(number).collect()
    }
}

fn said(heard: &Heard) -> Vec<RelayAnswer> {
    std::mem::take(&mut *heard.lock())
}

#[test]
fn one_after_the_other_is_asked_until_somebody_knows_the_session() {
    let it = Fixture::new();
    let heard = it.ask(1);
    assert_eq!((it.asked(1), it.asked(0)), (vec![1], vec![]));
    it.relays.on_answer(&it.ways[0], 1, Done(None));
    assert_eq!(said(&heard), [], "that one was not asked");
    it.relays.on_answer(&it.ways[1], 1, NotHere);
    assert_eq!((it.asked(0), said(&heard)), (vec![1], vec![]));
    it.relays.on_answer(&it.ways[1], 1, Done(None));
    it.relays.on_answer(&it.ways[0], 1, Done(Some("{}".into())));
    it.relays.on_answer(&it.ways[0], 1, Done(None));
    assert_eq!(said(&heard), [Done(Some("{}".into()))], "once");
    assert_eq!((it.relays.waiting(), it.relays.inner.lock().bytes), (0, 0));
}

#[test]
fn a_session_is_nowhere_only_if_all_say_so() {
    let no_way = || NoWay("why".into());
    for (answers, expected) in [
        ([NotHere, NotHere], NotHere),
        ([no_way(), NotHere], no_way()),
        ([NotHere, no_way()], no_way()),
    ] {
        let it = Fixture::new();
        let heard = it.ask(1);
        let [first, second] = answers;
        it.relays.on_answer(&it.ways[1], 1, first);
        it.relays.on_answer(&it.ways[0], 1, second);
        assert_eq!(said(&heard), [expected]);
    }
    let it = Fixture::new();
    let heard = it.ask(1);
    it.relays.on_answer(&it.ways[1], 1, Lost("why".into()));
    assert_eq!(said(&heard), [Lost("why".into())], "it may have been done");
    assert!(it.asked(0).is_empty());
}

#[test]
fn nobody_waits_for_a_link_that_is_lost_or_for_ever() {
    let it = Fixture::new();
    let [first, second] = [it.ask(1), it.ask(1)];
    it.relays.on_answer(&it.ways[1], 1, NotHere);
    it.relays.lost(&it.ways[1]);
    assert!(matches!(said(&second).as_slice(), [Lost(_)]), "it is not asked for again");
    it.relays.look(it.now + Duration::from_secs(2));
    assert_eq!(said(&first), []);
    it.relays.look(it.now + Duration::from_millis(2001));
    assert!(matches!(said(&first).as_slice(), [Lost(_)]));
    assert_eq!(it.relays.waiting(), 0);
}

#[test]
fn without_a_way_or_room_it_is_said_at_once() {
    let it = Fixture::new();
    let heard = Heard::default();
    let told = Arc::clone(&heard);
    let asker = Box::new(move |answer| told.lock().push(answer));
    it.relays.ask(relayed(0), Vec::new(), it.now, asker);
    assert!(matches!(said(&heard).as_slice(), [NoWay(_)]));
    let fits = MOST_BYTES - COST;
    let first = it.ask(fits);
    assert!(matches!(said(&it.ask(0)).as_slice(), [NoWay(_)]), "there are too many bytes");
    it.relays.on_answer(&it.ways[1], 1, Done(None));
    assert_eq!(said(&first), [Done(None)]);
    let all: Vec<_> = (0..MOST_WAITING).map(|_| it.ask(0)).collect();
    assert!(all.iter().all(|heard| said(heard).is_empty()));
    assert!(matches!(said(&it.ask(0)).as_slice(), [NoWay(_)]), "or too many");
}
