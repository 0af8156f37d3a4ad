//! Who is let in, and what the others are told.

use std::{collections::BTreeSet, time::Instant};

use super::*;
use crate::settings::tests::settings;

#[test]
fn room_is_given_and_given_back() {
    let admission = Admission::new(&settings(&["--max-sessions=2"]));
    let (one, two) = (admission.admit().unwrap(), admission.admit().unwrap());
    assert!(admission.is_full());
    for _ in 0..3 {
        // A refusal takes no room.
        assert_eq!(admission.admit().err(), Some(Refusal::Full));
    }
    drop(one);
    assert!(!admission.is_full());
    let _again = admission.admit().unwrap();
    assert_eq!(admission.admit().err(), Some(Refusal::Full));
    drop(two);
}

#[test]
fn load_balancers_are_told_before_clients_are() {
    let leaving = Admission::new(&settings(&[]));
    assert!(!leaving.is_leaving());
    leaving.start_leaving();
    assert!(leaving.is_leaving() && leaving.admit().is_ok(), "whoever comes is let in");
    let draining = Admission::new(&settings(&[]));
    draining.start_draining();
    assert!(draining.is_leaving(), "who lets nobody in wants nobody");
}

#[test]
fn what_sessions_take_is_not_left_to_newcomers() {
    let admission = Admission::new(&settings(&["--max-sessions=3"]));
    assert_eq!(admission.max_sessions(), 3);
    let before = admission.descriptors_left();
    assert!(before > 3, "{before}");
    let permits: Vec<_> = (0..3).map(|_| admission.admit().unwrap()).collect();
    assert_eq!((admission.sessions(), admission.descriptors_left()), (3, before - 3));
    drop(permits);
    assert_eq!((admission.sessions(), admission.descriptors_left()), (0, before));
}

#[test]
fn clients_are_sent_away_for_different_times() {
    let pauses: BTreeSet<_> = (0..100).map(|_| retry_ms()).collect();
    assert!(pauses.len() > 50, "{pauses:?}");
    assert!(pauses.iter().all(|pause| (500..5_000).contains(pause)), "{pauses:?}");
}

#[test]
fn sessions_leave_descriptors_to_others() {
    let most = |flags: &[&str], descriptors| {
        let settings = settings(flags);
        most_sessions(&settings, places(&settings, descriptors), descriptors)
    };
    assert_eq!(most(&[], 20_000), 18_631);
    assert_eq!(most(&["--max-pending=10"], 20_000), 19_222);
    assert_eq!(most(&["--max-sessions=5"], 20_000), 5);
    assert_eq!(most(&["--max-sessions=20000"], 20_000), 18_631);
    let (settings, limit) = (settings(&[]), descriptors::hard_limit());
    let (places, admission) = (places(&settings, limit), Admission::new(&settings));
    assert_eq!(admission.operators() as u64, places.operators);
    assert_eq!(admission.descriptors_left() as u64, places.sessions + places.pending);
}

#[test]
fn a_replacement_needs_no_room_of_its_own() {
    let admission = Admission::new(&settings(&["--max-sessions=1"]));
    let older = admission.admit().unwrap();
    assert_eq!(admission.admit().err(), Some(Refusal::Full));
    let newer = admission.admit_in_place_of_another().unwrap();
    drop(older);
    assert_eq!(admission.admit().err(), Some(Refusal::Full));
    let more: Vec<_> =
        std::iter::from_fn(|| admission.admit_in_place_of_another().ok()).take(1000).collect();
    assert_eq!(more.len(), REPLACEMENTS);
    drop((newer, more));
    assert!(admission.admit().is_ok());
    let looks = (0..1000).filter(|_| admission.may_look_who_it_is()).count();
    assert!((50..200).contains(&looks), "{looks}");
}

#[test]
fn many_threads_do_not_get_more_than_there_is() {
    let admission = Admission::new(&settings(&["--max-sessions=5"]));
    let permits: usize = std::thread::scope(|scope| {
        let ask = || (0..100).filter_map(|_| admission.admit().ok()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(ask)).collect();
        let taken: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        taken.iter().map(Vec::len).sum()
    });
    assert_eq!(permits, 5, "and no less");
    assert!(!admission.is_full());
}

#[test]
fn the_rate_and_a_drain_refuse() {
    let (admission, begun) = (Admission::new(&settings(&["--handshake-rate=3"])), Instant::now());
    let refused: Vec<_> = (0..100).filter_map(|_| admission.admit().err()).collect();
    // Three at once, and three more for each second that the machine took for it.
    let most = 3 + (3.0 * begun.elapsed().as_secs_f64()).ceil() as usize;
    assert!((3..=most).contains(&(100 - refused.len())), "{} refused", refused.len());
    assert!(refused.iter().all(|refusal| *refusal == Refusal::HandshakeRate), "{refused:?}");
    assert!(!admission.is_draining());
    admission.start_draining();
    assert!(admission.is_draining());
    assert_eq!(admission.admit().err(), Some(Refusal::Draining));
}

#[test]
fn who_finds_no_room_uses_up_no_rate() {
    let admission = Admission::new(&settings(&["--max-sessions=1", "--handshake-rate=2"]));
    let one = admission.admit().unwrap();
    for _ in 0..10 {
        assert_eq!(admission.admit().err(), Some(Refusal::Full));
    }
    drop(one);
    assert!(admission.admit().is_ok());
    // And what the rate refuses takes no room.
    (0..10).for_each(|_| drop(admission.admit()));
    assert_eq!(admission.sessions(), 0);
}

#[test]
fn little_memory_refuses_until_there_is_more() {
    const MIB: u64 = 1 << 20;
    let admission = Admission::new(&settings(&["--memory-reserve=16MiB"]));
    let set = |mib: u64| {
        admission.set_memory_left(Left { bytes: mib * MIB, limit: 512 * MIB, is_cgroup: true });
        admission.admit().err()
    };
    // Between the reserve and a quarter more, it stays as it was.
    for (mib, refused) in [(19, false), (16, false), (15, true), (19, true), (20, false)] {
        assert_eq!(set(mib), refused.then_some(Refusal::Memory), "{mib} MiB");
    }
    let never = Admission::new(&settings(&["--memory-reserve=0B"]));
    never.set_memory_left(Left { bytes: 0, limit: MIB, is_cgroup: true });
    assert!(never.admit().is_ok());
}

#[test]
fn refusals_say_what_to_do() {
    let unauthorized = Refusal::Unauthorized("why".into());
    let cases = [
        (unauthorized, "unauthorized", 401, CloseReason::Unauthorized, false),
        (Refusal::Foreign(Foreign::Host), "foreign", 403, CloseReason::Unauthorized, false),
        (Refusal::TooManySessions, "too_many_sessions", 429, CloseReason::TooManySessions, true),
        (Refusal::Full, "full", 503, CloseReason::Overloaded, true),
        (Refusal::Memory, "memory", 503, CloseReason::Overloaded, true),
        (Refusal::HandshakeRate, "handshake_rate", 503, CloseReason::Overloaded, true),
        (Refusal::Draining, "draining", 503, CloseReason::Draining, true),
    ];
    for (refusal, label, status, reason, comes_back) in cases {
        assert_eq!(refusal.as_str(), label, "in the metric");
        let problem = refusal.problem();
        assert_eq!((problem.status, refusal.close_reason()), (status, reason));
        assert_eq!(problem.retry_after.is_some(), comes_back, "{refusal:?}");
        assert_eq!(reason.reconnect(), comes_back, "{refusal:?}");
    }
}
