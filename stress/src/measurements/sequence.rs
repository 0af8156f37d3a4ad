//! Which numbers of a sequence have come.

use super::proofs::Verdict;

/// The highest number so far, and which of the 31 before it have come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sequence {
    last: u32,
    /// Bit `n` is the number `last - n`.
    seen: u32,
}

impl Sequence {
    /// A number has come; numbers begin with 1. One that is too far behind to be remembered counts
    /// as doubled, so that it is never taken for one that had to come.
    pub(crate) fn take(&mut self, number: u32) -> Verdict {
        if let Some(ahead) = number.checked_sub(self.last).filter(|ahead| *ahead > 0) {
            self.seen = self.seen.checked_shl(ahead).unwrap_or_default() | 1;
            self.last = number;
            return Verdict::Proved;
        }
        match 1_u32.checked_shl(self.last - number) {
            Some(bit) if self.seen & bit == 0 => {
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
        assert_eq!(verdicts(&[1, 40, 9, 8, 2]), [Proved, Proved, Late, Doubled, Doubled]);
        assert_eq!(verdicts(&[5, u32::MAX, u32::MAX]), [Proved, Proved, Doubled]);
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
