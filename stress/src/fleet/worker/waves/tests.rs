//! Which session is next, tried again, or given up.

use super::*;

fn wave(numbers: std::ops::Range<u32>, retries: u32, until: Option<u64>) -> Wave {
    Wave { numbers, rate: 0.0, retries, until, returning: false }
}

#[test]
fn a_bounded_number_is_under_way() {
    let mut opening = Opening::new(wave(5..8, 0, None), 2);
    let mut begin = || opening.begin().map(|begun| begun.number);
    assert_eq!((begin(), begin(), begin()), (Some(5), Some(6), None));
    assert_eq!(opening.next_due(), None);
    opening.on_held(5);
    assert_eq!(opening.next_due(), Some(Duration::ZERO));
    assert_eq!(opening.begin().map(|begun| begun.number), Some(7));
    opening.on_held(6);
    assert_eq!(opening.on_failed(7, 0, &Failure::Status(503)), Verdict::Failed);
    assert!(opening.is_settled());
    assert_eq!(opening.take_failed(), [7]);
}

#[test]
fn sessions_are_due_by_the_schedule_however_late_they_begin() {
    let slow = Wave { rate: 1000.0, ..wave(0..5, 0, None) };
    let mut opening = Opening::new(slow, 1);
    let start = opening.started.1;
    for step in 0..5 {
        let begun = loop {
            match opening.begin() {
                Some(begun) => break begun,
                None => std::thread::yield_now(),
            }
        };
        assert_eq!(begun, Begun { number: step, due: start + u64::from(step) * 1000 });
        std::thread::sleep(Duration::from_millis(3));
        opening.on_held(step);
    }
}

#[test]
fn failures_are_tried_again_as_often_as_allowed() {
    let mut opening = Opening::new(wave(0..1, 2, None), 1);
    for _ in 0..2 {
        let begun = loop {
            if let Some(begun) = opening.begin() {
                break begun;
            }
            std::thread::yield_now();
        };
        let verdict = opening.on_failed(begun.number, 17, &Failure::Status(503));
        assert_eq!(verdict, Verdict::Again);
        assert!(!opening.is_settled());
        assert!(opening.next_due().expect("one waits") < Duration::from_secs(1));
    }
    // Its time counts from when it was due first.
    loop {
        match opening.begin() {
            Some(begun) => break assert_eq!(begun, Begun { number: 0, due: 17 }),
            None => std::thread::yield_now(),
        }
    }
    assert_eq!(opening.on_failed(0, 0, &Failure::Status(503)), Verdict::Failed);
    assert!(opening.is_settled());
}

#[test]
fn after_the_deadline_what_waits_has_failed() {
    let soon = clock::micros_since_epoch() + 3_600_000_000;
    let mut opening = Opening::new(wave(0..3, 9, Some(soon)), 1);
    assert_eq!(opening.begin().map(|begun| begun.number), Some(0));
    assert_eq!(opening.on_failed(0, 0, &Failure::Status(503)), Verdict::Again);
    assert_eq!(opening.expire(soon - 1), []);
    assert_eq!(opening.expire(soon).len(), 3);
    assert_eq!(opening.take_failed(), [1, 2, 0]);
    assert!(opening.is_settled());
    let mut late = Opening::new(wave(0..1, 9, Some(0)), 1);
    late.begin();
    assert_eq!(late.on_failed(0, 0, &Failure::Status(503)), Verdict::Failed);
}

#[test]
fn who_is_asked_to_come_back_does_so_in_its_time_and_belongs_to_no_wave() {
    let now = clock::micros_since_epoch();
    let mut opening = Opening::new(wave(0..1, 0, None), 1);
    assert_eq!(opening.begin().map(|begun| begun.number), Some(0));
    assert_eq!(opening.on_held(0), Coming::First);
    opening.recall(7, now + 3_600_000_000, u64::MAX);
    assert!(opening.is_settled(), "the wave is over");
    assert_eq!(opening.begin(), None, "it is not time yet");
    opening.recall(8, now, u64::MAX);
    assert_eq!(opening.begin(), Some(Begun { number: 8, due: now }));
    assert_eq!(opening.coming(8), Coming::Recalled);
    // It is tried again without end, whatever the wave allows, and its time counts from when it was due.
    assert_eq!(opening.on_failed(8, now, &Failure::Status(503)), Verdict::Again);
    assert!(opening.is_settled());
    let begun = loop {
        if let Some(begun) = opening.begin() {
            break begun;
        }
        std::thread::yield_now();
    };
    assert_eq!(begun, Begun { number: 8, due: now });
    assert_eq!(opening.on_held(8), Coming::Recalled);
    // The wave's end is not theirs.
    assert_eq!(opening.expire(u64::MAX), []);
    assert_eq!(opening.waiting.len(), 1);
}

#[test]
fn who_cannot_come_back_in_time_has_failed() {
    let mut opening = Opening::new(wave(0..0, 9, None), 1);
    opening.recall(7, 0, 1);
    assert_eq!(opening.begin().map(|begun| begun.number), Some(7));
    assert_eq!(opening.on_failed(7, 0, &Failure::Status(503)), Verdict::Failed);
    assert_eq!((opening.take_failed(), opening.recalled), (Vec::new(), 0));
}

#[test]
fn pauses_grow_up_to_a_limit() {
    for tries in [0, 1, 5, 30] {
        let doubled = FIRST_PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
        let pause = pause(tries);
        assert!(pause >= doubled / 2 && pause <= doubled * 3 / 2, "{tries}: {pause:?}");
    }
}

#[test]
fn who_waits_has_a_small_place() {
    assert!(size_of::<Reverse<Again>>() <= 80, "{}", size_of::<Reverse<Again>>());
}
