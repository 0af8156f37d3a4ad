//! How far a pusher-api's clock is from ours, from a few exchanges of times. A plain value; time is
//! told to it.
//!
//! An exchange leaves the offset uncertain by half of its round trip, so the one with the shortest of
//! the last few counts (the clock filter of RFC 5905, section 10). Where one says something that
//! another cannot be true with, a clock was set between them, and those before are forgotten.

use std::collections::VecDeque;

use protocol::link::ClockReading;

/// As many as a clock filter has.
const SAMPLES: usize = 8;
/// A sample older than this says nothing any more, in microseconds.
const MAX_AGE: u64 = 60_000_000;
/// Microseconds in which two clocks that nobody sets drift apart by one at the most: 500 ppm, what
/// RFC 5905 takes for the worst clock.
const MICROS_A_DRIFT: u64 = 2000;

/// What one exchange says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When it ended, by our clock.
    heard: u64,
    /// By how much their clock is before ours, in microseconds.
    pub offset: i64,
    /// How long question and answer were on their way, in microseconds.
    pub round_trip: u64,
}

impl Sample {
    /// What an answer says that came at this time. Nothing, where a clock was set meanwhile.
    pub(crate) fn of(reading: ClockReading, heard: u64) -> Option<Self> {
        let ClockReading { asked_micros, received_micros, answered_micros } = reading;
        let there = answered_micros.checked_sub(received_micros)?;
        let round_trip = heard.checked_sub(asked_micros)?.checked_sub(there)?;
        let [asked, received, answered, until] =
            [asked_micros, received_micros, answered_micros, heard].map(i128::from);
        let offset = i64::try_from(((received - asked) + (answered - until)) / 2).ok()?;
        Some(Self { heard, offset, round_trip })
    }

    /// By how much its offset may be wrong at this time by our clock, in microseconds.
    pub(crate) fn uncertain_at(&self, now: u64) -> u64 {
        let drift = now.abs_diff(self.heard).div_ceil(MICROS_A_DRIFT);
        // The half was rounded.
        self.round_trip.div_ceil(2).saturating_add(drift).saturating_add(1)
    }

    /// Whether both can be true of clocks that nobody has set between them.
    fn agrees_with(&self, other: &Self) -> bool {
        let apart = self.uncertain_at(self.heard).saturating_add(other.uncertain_at(self.heard));
        self.offset.abs_diff(other.offset) <= apart
    }
}

/// The last samples of one link.
#[derive(Debug, Default)]
pub(crate) struct PeerClock(VecDeque<Sample>);

impl PeerClock {
    /// Takes another sample.
    pub(crate) fn add(&mut self, sample: Sample) {
        self.0.retain(|other| sample.agrees_with(other));
        self.0.truncate(SAMPLES - 1);
        self.0.push_front(sample);
    }

    /// The best there is at this time by our clock.
    pub(crate) fn best(&self, now: u64) -> Option<Sample> {
        let is_fresh = |sample: &&Sample| now.saturating_sub(sample.heard) <= MAX_AGE;
        self.0.iter().filter(is_fresh).min_by_key(|sample| sample.round_trip).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: i64 = 3_600_000_000;
    const START: u64 = 1_700_000_000_000_000;

    /// An exchange with a clock that is so far before ours; the ways there and back take this long.
    fn exchange(asked: u64, offset: i64, there: u64, back: u64) -> Sample {
        let theirs = |ours: u64| ours.checked_add_signed(offset).expect("a time");
        let (received, pause) = (asked + there, 40);
        let reading = ClockReading {
            asked_micros: asked,
            received_micros: theirs(received),
            answered_micros: theirs(received + pause),
        };
        Sample::of(reading, received + pause + back).expect("a sample")
    }

    #[test]
    fn even_ways_give_the_offset_and_uneven_ones_are_off_by_half_of_what_they_differ() {
        for offset in [0, 1, -1, HOUR, -HOUR] {
            let even = exchange(START, offset, 300, 300);
            assert_eq!((even.offset, even.round_trip), (offset, 600));
            assert_eq!(exchange(START, offset, 500, 100).offset, offset + 200);
        }
    }

    #[test]
    fn the_shortest_round_trip_counts_until_it_is_old() {
        let mut clock = PeerClock::default();
        assert_eq!(clock.best(START), None);
        clock.add(exchange(START, 7, 100, 100));
        let mut now = START;
        for _ in 1..SAMPLES {
            now += 2_000_000;
            clock.add(exchange(now, 7, 3000, 1000));
            assert_eq!(clock.best(now).map(|best| best.offset), Some(7));
        }
        clock.add(exchange(now, 7, 3000, 1000));
        assert_eq!(clock.best(now).map(|best| best.offset), Some(1007), "so many are kept");
        let last = now + 4040;
        assert!(clock.best(last + MAX_AGE).is_some());
        assert_eq!(clock.best(last + MAX_AGE + 1), None);
    }

    #[test]
    fn a_clock_that_is_set_is_noticed_by_the_next_sample() {
        let mut clock = PeerClock::default();
        clock.add(exchange(START, 0, 50, 50));
        clock.add(exchange(START + 2_000_000, HOUR, 9000, 9000));
        let best = clock.best(START + 3_000_000).expect("a sample");
        assert_eq!((best.offset, best.round_trip), (HOUR, 18_000), "though its way was longer");
    }

    #[test]
    fn what_cannot_be_is_no_sample() {
        let reading = |asked_micros, received_micros, answered_micros| {
            Sample::of(ClockReading { asked_micros, received_micros, answered_micros }, 100)
        };
        assert_eq!(reading(101, 0, 0), None, "answered before it was asked");
        assert_eq!(reading(0, 10, 9), None, "their clock was set back");
        assert_eq!(reading(0, 10, 111), None, "or forward");
        assert_eq!(reading(0, 10, 110).map(|it| it.round_trip), Some(0));
        let far = Sample::of(
            ClockReading { asked_micros: 0, received_micros: u64::MAX, answered_micros: u64::MAX },
            1,
        );
        assert_eq!(far, None, "no clock is as far as that");
    }

    proptest! {
        #[test]
        fn no_answer_makes_a_sum_overflow(
            readings in prop::collection::vec(any::<[u64; 4]>(), 0..20),
            now: u64,
        ) {
            let mut clock = PeerClock::default();
            for [asked_micros, received_micros, answered_micros, heard] in readings {
                let reading = ClockReading { asked_micros, received_micros, answered_micros };
                Sample::of(reading, heard).into_iter().for_each(|sample| clock.add(sample));
                prop_assert!(clock.0.len() <= SAMPLES);
            }
            clock.best(now);
        }

        #[test]
        fn the_offset_is_true_to_half_of_the_round_trip(
            offset in -HOUR..HOUR,
            ways in prop::collection::vec((0_u64..100_000, 0_u64..100_000), 1..30),
        ) {
            let mut clock = PeerClock::default();
            let mut now = START;
            for (there, back) in ways {
                clock.add(exchange(now, offset, there, back));
                now += 2_000_000;
                let best = clock.best(now).expect("a sample");
                prop_assert!(best.offset.abs_diff(offset) <= best.round_trip.div_ceil(2));
                prop_assert!(best.offset.abs_diff(offset) <= best.uncertain_at(now));
            }
        }
    }
}
