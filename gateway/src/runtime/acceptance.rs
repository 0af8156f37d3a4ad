//! When a push was accepted, by a clock of this process: pusher-api says it by its own.

use std::time::Duration;

use protocol::clock::micros_since_epoch;

use super::steady::steady_micros;

/// Older than this is no push whose sender's clock is not known to go as ours; that clock is wrong.
const PLAUSIBLE: Duration = Duration::from_secs(60);

/// Why nobody knows how long a push took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmeasured {
    /// By the two clocks it was written before it was accepted.
    Negative,
    /// It would have taken more than a minute, and how far the clocks are apart is not known.
    Implausible,
}

impl Unmeasured {
    /// Every reason.
    pub(crate) const ALL: [Self; 2] = [Self::Negative, Self::Implausible];

    /// As it stands in metric labels.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::Implausible => "implausible",
        }
    }
}

/// When a push was accepted, in microseconds of [`steady_micros`], or why that is not known. No
/// larger than the number: pushes that wait are many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted(u64);

impl Accepted {
    const NEGATIVE: Self = Self(u64::MAX);
    const IMPLAUSIBLE: Self = Self(u64::MAX - 1);

    /// Now, by this process.
    pub(crate) fn now() -> Self {
        Self(steady_micros())
    }

    /// So many microseconds ago, if that is known.
    pub(crate) fn ago(micros: Option<u64>) -> Self {
        let at = micros.and_then(|micros| steady_micros().checked_sub(micros));
        at.map_or(Self::IMPLAUSIBLE, Self)
    }

    /// How long ago that is, in microseconds.
    ///
    /// # Errors
    /// Says why it is not known.
    pub(crate) fn age_micros(self) -> Result<u64, Unmeasured> {
        match self {
            Self::IMPLAUSIBLE => Err(Unmeasured::Implausible),
            Self(at) => steady_micros().checked_sub(at).ok_or(Unmeasured::Negative),
        }
    }
}

/// By how much a sender's wall clock is before [`steady_micros`], in microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offset {
    /// The best guess.
    pub micros: i64,
    /// By how much that may be wrong.
    pub uncertain: u64,
}

/// What the clocks say as a batch of pushes comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    steady: u64,
    wall: u64,
    offset: Option<Offset>,
}

impl Arrival {
    /// Now, of a sender whose clock is so far from ours, if that is known.
    pub(crate) fn now(offset: Option<Offset>) -> Self {
        Self { steady: steady_micros(), wall: micros_since_epoch(), offset }
    }

    /// When a push was accepted of which the sender says this: microseconds since the Unix epoch. One
    /// that seems to come before that, by no more than the offset may be wrong, was on its way for
    /// less than can be told, and counts from now: no further off than the others.
    pub(crate) fn accepted(&self, accepted_micros: u64) -> Accepted {
        let by_their_clock = i128::from(accepted_micros);
        let ago = match self.offset {
            Some(offset) => i128::from(self.steady) + i128::from(offset.micros) - by_their_clock,
            None => i128::from(self.wall) - by_their_clock,
        };
        let uncertain = self.offset.map_or(0, |offset| i128::from(offset.uncertain));
        let ago = if (-uncertain..0).contains(&ago) { 0 } else { ago };
        match u64::try_from(ago) {
            Err(_) => Accepted::NEGATIVE,
            Ok(ago) if self.offset.is_none() && ago > PLAUSIBLE.as_micros() as u64 => {
                Accepted::IMPLAUSIBLE
            }
            // Before the beginning of time only by a sender that says nonsense.
            Ok(ago) => self.steady.checked_sub(ago).map_or(Accepted::IMPLAUSIBLE, Accepted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000;
    const NOW: u64 = 1_700_000_000_000_000;

    fn age(offset: Option<i64>, accepted_micros: u64) -> Result<u64, Unmeasured> {
        // The wall clock was set back by two hours since the process started.
        let offset = offset.map(|micros| Offset { micros, uncertain: 30 });
        let arrival = Arrival { steady: NOW, wall: NOW - 2 * HOUR, offset };
        match arrival.accepted(accepted_micros) {
            Accepted::NEGATIVE => Err(Unmeasured::Negative),
            Accepted::IMPLAUSIBLE => Err(Unmeasured::Implausible),
            Accepted(at) => Ok(NOW - at),
        }
    }

    #[test]
    fn a_known_offset_is_taken_into_account_and_the_wall_clock_is_not() {
        let ahead = Some(HOUR as i64);
        assert_eq!(age(ahead, NOW + HOUR - 250), Ok(250));
        assert_eq!(age(ahead, NOW + HOUR), Ok(0));
        assert_eq!(age(ahead, NOW + HOUR + 30), Ok(0), "as far as can be told");
        assert_eq!(age(ahead, NOW + HOUR + 31), Err(Unmeasured::Negative));
        assert_eq!(age(Some(-5), NOW - 255), Ok(250));
        assert_eq!(age(ahead, NOW), Ok(HOUR), "it may have waited long");
    }

    #[test]
    fn without_one_only_what_is_plausible_is_measured() {
        let wall = NOW - 2 * HOUR;
        let minute = PLAUSIBLE.as_micros() as u64;
        assert_eq!(age(None, wall - 250), Ok(250));
        assert_eq!(age(None, wall - minute), Ok(minute));
        assert_eq!(age(None, wall - minute - 1), Err(Unmeasured::Implausible));
        assert_eq!(age(None, wall + 1), Err(Unmeasured::Negative));
    }

    #[test]
    fn nonsense_is_no_age() {
        for offset in [None, Some(0), Some(i64::MAX), Some(i64::MIN)] {
            for accepted_micros in [0, 1, u64::MAX - 1, u64::MAX] {
                let offset = offset.map(|micros| Offset { micros, uncertain: 0 });
                let accepted = Arrival { steady: NOW, wall: NOW, offset }.accepted(accepted_micros);
                let is_known = accepted.0 <= NOW;
                assert!(is_known || accepted.age_micros().is_err(), "{offset:?} {accepted:?}");
            }
        }
        assert_eq!(Accepted::NEGATIVE.age_micros(), Err(Unmeasured::Negative));
        assert_eq!(Accepted::IMPLAUSIBLE.age_micros(), Err(Unmeasured::Implausible));
        assert!(Accepted::now().age_micros().is_ok());
    }
}
