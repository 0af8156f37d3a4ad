//! Who goes first, and when one more may come.

use futures::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::{runtime::clock::stopped, settings::tests::settings};

/// The tick at which nobody is young any more that came at 0.
const OLD: u32 = 5;

fn pending(places: usize, bytes: usize) -> Rc<Pending> {
    stopped::at(0);
    let admission = Arc::new(Admission::new(&settings(&[])));
    let room = Room { least: places, most: places, bytes, threads: 1 };
    Pending::new(room, &admission, Clock::default(), &Arc::default())
}

fn may_come(pending: &Pending) -> bool {
    pending.pause().is_none()
}

#[test]
fn the_one_that_has_waited_longest_goes() {
    let pending = pending(2, 100);
    let first = pending.enter(7);
    let _second = pending.enter(3);
    stopped::at(OLD);
    assert_eq!(pending.beyond_places(), None);
    let third = pending.enter(5);
    assert_eq!(pending.beyond_places(), Some(7));
    drop(first);
    assert_eq!(pending.beyond_places(), None);
    let _fourth = pending.enter(7);
    assert_eq!(pending.beyond_places(), Some(3));
    drop(third);
    assert_eq!(pending.beyond_places(), None);
}

#[test]
fn nobody_goes_young_and_the_next_waits_for_that() {
    let pending = pending(2, 100);
    let _first = pending.enter(0);
    assert!(may_come(&pending));
    stopped::at(2);
    let second = pending.enter(1);
    for (tick, left) in [(2, Some(3)), (4, Some(1)), (OLD, None), (100, None)] {
        stopped::at(tick);
        assert_eq!(pending.pause(), left.map(|left| TICK * left), "{tick}");
    }
    stopped::at(4);
    let third = pending.enter(2);
    assert_eq!(pending.beyond_places(), None, "too young");
    stopped::at(OLD);
    assert_eq!(pending.beyond_places(), Some(0));
    stopped::at(4);
    drop(third);
    assert!(!may_come(&pending));
    drop(second);
    assert!(may_come(&pending));
}

#[test]
fn those_that_have_their_answer_go_first_and_at_once() {
    let pending = pending(2, 100);
    let _oldest = pending.enter(0);
    let (mut early, mut late) = (pending.enter(1), pending.enter(2));
    late.answered();
    early.answered();
    assert_eq!((pending.metrics.pending.get(), pending.metrics.answered.get()), (1, 2));
    assert!(may_come(&pending));
    assert_eq!(pending.beyond_places(), Some(2), "answered first");
    drop(late);
    let _another = pending.enter(3);
    assert_eq!(pending.beyond_places(), Some(1));
    drop(early);
    assert_eq!(pending.beyond_places(), None);
}

#[actix_rt::test]
async fn who_waits_for_a_place_is_told() {
    let pending = pending(1, 100);
    let first = pending.enter(0);
    // As many as there are listeners.
    let mut waiting = [Box::pin(pending.place()), Box::pin(pending.place())];
    assert!(waiting.iter_mut().all(|it| it.now_or_never().is_none()));
    assert_eq!(pending.metrics.accept_pauses.get(), 2);
    drop(first);
    for it in waiting {
        it.await;
    }
}

#[test]
fn of_those_that_speak_the_one_that_has_waited_longest_goes() {
    let pending = pending(9, 65_536);
    let _silent = pending.enter(0);
    let (mut first, mut second) = (pending.enter(1), pending.enter(2));
    second.keep(60_000);
    first.keep(5_536);
    assert_eq!(pending.beyond_bytes(), None);
    second.keep(60_001);
    assert_eq!(pending.beyond_bytes(), Some(1));
    first.answered();
    assert_eq!((pending.beyond_bytes(), pending.metrics.pending_bytes.get()), (None, 60_001));
}

#[test]
fn room_comes_from_descriptors_and_memory() {
    let room = |flags: &[&str], descriptors, memory| {
        let Room { least, most, bytes, .. } = Room::from(&settings(flags), descriptors, memory, 1);
        (least, most, bytes)
    };
    const GIB: u64 = 1 << 30;
    assert_eq!(room(&[], 20_000, Some(24 * GIB)), (601, 8192, 64 << 20));
    assert_eq!(room(&[], 1 << 20, Some(GIB / 8)), (2048, 2048, 2 << 20));
    assert_eq!(room(&[], 300, None), (16, 8192, 64 << 20));
    let given = &["--max-pending=5", "--pending-memory=3MiB"];
    assert_eq!(room(given, 1 << 20, None), (5, 5, 3 << 20));
}

#[test]
fn sessions_leave_places_and_take_them_back() {
    let room = Room { least: 16, most: 8192, bytes: 1 << 20, threads: 2 };
    for (left, places) in [(0, 8), (16, 8), (188, 94), (100_000, 4096)] {
        assert_eq!(room.places_of_a_thread(left), places, "{left}");
    }
    assert_eq!(room.bytes_of_a_thread(), 1 << 19);
    let narrow = Room { least: 1, most: 1, bytes: 1, threads: 64 };
    assert_eq!((narrow.places_of_a_thread(9), narrow.bytes_of_a_thread()), (1, 32_768));
}

proptest! {
    #[test]
    fn nothing_is_left_of_those_that_have_gone(
        steps in prop::collection::vec((0_u8..4, 0_usize..8, 0_usize..20_000), 0..200)
    ) {
        let pending = pending(5, 65_536);
        stopped::at(0);
        let mut guards: Vec<(u32, PendingGuard)> = Vec::new();
        for (step, which, bytes) in steps {
            let index = which % guards.len().max(1);
            match step {
                0 => {
                    let seat = guards.len() as u32 + which as u32 * 1000;
                    guards.push((seat, pending.enter(seat)));
                }
                _ if guards.is_empty() => {}
                1 => guards[index].1.keep(bytes),
                2 => guards[index].1.answered(),
                _ => drop(guards.swap_remove(index)),
            }
            stopped::at(OLD);
            // Whoever is asked for is there.
            for seat in pending.beyond_places().into_iter().chain(pending.beyond_bytes()) {
                prop_assert!(guards.iter().any(|(known, _)| *known == seat));
            }
            prop_assert_eq!(pending.beyond_places().is_some(), guards.len() > 5);
            let kept: usize = guards.iter().map(|(_, guard)| guard.kept as usize).sum();
            prop_assert_eq!(pending.beyond_bytes().is_some(), kept > 65_536);
            stopped::at(0);
        }
        guards.clear();
        let Metrics { pending: waiting, answered, pending_bytes, .. } = &*pending.metrics;
        prop_assert_eq!((waiting.get(), answered.get(), pending_bytes.get()), (0, 0, 0));
    }
}
