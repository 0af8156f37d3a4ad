//! Which numbers of a sequence have come.

use super::proofs::Verdict;

/// Of what has been seen: its receiver was away behind the last number, and cannot have got what was sent meanwhile.
const AWAY: u32 = 1 << 31;

/// The highest number so far, and which of the 30 before it have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    last: u32,
    /// Bit `n` is the number `last - n`; the highest is [`AWAY`].
    seen: u32,
}

impl Sequence {
    /// Its receiver goes away for a while.
    pub(crate) fn leave(&mut self) {
        self.seen |= AWAY;
    }

    /// The last number, if its receiver has gone away behind it and nothing has come since.
    pub(crate) fn left_at(&self) -> Option<u32> {
        (self.seen & AWAY != 0).then_some(self.last)
    }

    /// A number is about to be taken: how many before it went to a receiver that was away.
    pub(crate) fn missed_before(&mut self, number: u32) -> u32 {
        let ahead = number.saturating_sub(self.last);
        if ahead == 0 || self.seen & AWAY == 0 {
            return 0;
        }
        self.seen &= !AWAY;
        ahead - 1
    }

    /// A number has come; numbers begin with 1. One that is too far behind to be remembered counts
    /// as doubled, so that it is never taken for one that had to come.
    pub(crate) fn take(&mut self, number: u32) -> Verdict {
        if let Some(ahead) = number.checked_sub(self.last).filter(|ahead| *ahead > 0) {
            self.seen = (self.seen.checked_shl(ahead).unwrap_or_default() | 1) & !AWAY;
            self.last = number;
            return Verdict::Proved;
        }
        match 1_u32.checked_shl(self.last - number) {
            Some(bit) if bit != AWAY && self.seen & bit == 0 => {
                self.seen |= bit;
                Verdict::Late
            }
            _ => Verdict::Doubled,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn verdicts(numbers: &[u32]) -> Vec<Verdict> {
        let mut sequence = Sequence::default();
        numbers.iter().map(|number| sequence.take(*number)).collect()
    }

    #[test]
    fn order_gaps_doubles_and_late_ones_are_told_apart() {
        use Verdict::{Doubled, Late, Proved};
        assert_eq!(verdicts(&[1, 2, 3]), [Proved; 3]);
        assert_eq!(verdicts(&[1, 1]), [Proved, Doubled]);
        assert_eq!(verdicts(&[2, 1, 1, 3]), [Proved, Late, Doubled, Proved]);
        assert_eq!(verdicts(&[1, 40, 10, 9, 2]), [Proved, Proved, Late, Doubled, Doubled]);
        assert_eq!(verdicts(&[5, u32::MAX, u32::MAX]), [Proved, Proved, Doubled]);
    }

    #[test]
    fn what_was_sent_to_nobody_is_told_apart_from_what_is_missing() {
        let mut sequence = Sequence::default();
        let take = |sequence: &mut Sequence, number| {
            (sequence.missed_before(number), sequence.take(number))
        };
        assert_eq!(take(&mut sequence, 1), (0, Verdict::Proved));
        assert_eq!(take(&mut sequence, 4), (0, Verdict::Proved), "two are missing");
        sequence.leave();
        assert_eq!(sequence.left_at(), Some(4));
        // What was under way comes late, and again; it was no end of being away.
        assert_eq!(take(&mut sequence, 3), (0, Verdict::Late));
        assert_eq!(take(&mut sequence, 4), (0, Verdict::Doubled));
        assert_eq!(take(&mut sequence, 9), (4, Verdict::Proved));
        assert_eq!(sequence.left_at(), None);
        assert_eq!(take(&mut sequence, 11), (0, Verdict::Proved));
        let mut silent = Sequence::default();
        silent.leave();
        assert_eq!((silent.left_at(), take(&mut silent, 3)), (Some(0), (2, Verdict::Proved)));
    }

    proptest! {
        #[test]
        fn nothing_counts_twice(numbers in proptest::collection::vec(1..60_u32, 0..200)) {
            let mut seen = BTreeSet::new();
            for (number, verdict) in numbers.iter().zip(verdicts(&numbers)) {
                let highest = seen.last().is_none_or(|last| number > last);
                match verdict {
                    Verdict::Proved => prop_assert!(highest && seen.insert(*number)),
                    Verdict::Late => prop_assert!(!highest && seen.insert(*number)),
                    _ => prop_assert!(!highest),
                }
            }
        }
    }
}
