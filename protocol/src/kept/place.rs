//! Places in a log.

/// A place in a log: behind the message of this number, and before all of higher numbers.
///
/// Numbers rise within a log, not by one; a place without a message of its own is as good. The check belongs to
/// the history in which the number was given: a store that was restored, or that lost what it had, gives
/// numbers again under other checks, and believes no place of a history that is not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Place {
    /// Which message, or which moment of the store.
    pub number: u64,
    /// Of which history.
    pub check: u32,
}

impl Place {
    /// Before everything that a log has ever held: of a log that was not there, and of every history.
    pub const START: Self = Self { number: 0, check: 0 };

    /// A place of no history: no store believes it.
    pub const UNKNOWN: Self = Self { number: u64::MAX, check: 0 };

    /// Whether who is here has everything of a log that ends there. False where that is not sure.
    pub fn has(self, end: Self) -> bool {
        self == end || self.check == end.check && end.number <= self.number
    }
}

/// How a message was appended to a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// Where its log ended before.
    pub before: Place,
    /// Its own place.
    pub place: Place,
}

/// What a message is to somebody who is at a place in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Following {
    /// The next one.
    Next,
    /// One that is behind already.
    Past,
    /// There may be others in between, or the place may be of another history: the log has to be read.
    Unsure,
}

impl Step {
    /// What the message is to somebody who is at this place.
    pub fn seen_from(self, at: Place) -> Following {
        let Self { before, place } = self;
        let is_of_one_history = at.check == place.check;
        match () {
            () if before == at => Following::Next,
            () if !is_of_one_history => Following::Unsure,
            () if place.number <= at.number => Following::Past,
            // Its log has had nothing since, whatever else the store was given.
            () if before.number < at.number => Following::Next,
            () => Following::Unsure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u64, check: u32) -> Place {
        Place { number, check }
    }

    #[test]
    fn who_is_behind_the_end_of_a_log_or_of_another_history_may_not_have_it() {
        let has = |place: Place, end: Place| place.has(end);
        assert!(has(at(7, 1), at(7, 1)) && has(at(7, 1), at(3, 1)));
        assert!(!has(at(7, 1), at(8, 1)) && !has(at(7, 1), at(3, 2)) && !has(at(7, 2), at(8, 1)));
    }

    #[test]
    fn a_message_is_next_past_or_to_be_looked_for() {
        let step = |before, place| Step { before, place };
        let first = step(Place::START, at(7, 1));
        let later = step(at(7, 1), at(9, 1));
        let after_a_restart = step(at(7, 1), at(9, 2));
        let cases = [
            (first, Place::START, Following::Next),
            (first, at(5, 1), Following::Next),
            (first, at(7, 1), Following::Past),
            (first, at(8, 1), Following::Past),
            (first, at(5, 2), Following::Unsure),
            (first, at(9, 2), Following::Unsure),
            (later, at(7, 1), Following::Next),
            (later, at(8, 1), Following::Next),
            (later, at(6, 1), Following::Unsure),
            (later, Place::START, Following::Unsure),
            (later, at(9, 1), Following::Past),
            (after_a_restart, at(7, 1), Following::Next),
            (after_a_restart, at(8, 1), Following::Unsure),
            (after_a_restart, at(9, 1), Following::Unsure),
            (after_a_restart, at(8, 2), Following::Next),
        ];
        for (step, place, expected) in cases {
            assert_eq!(step.seen_from(place), expected, "{step:?} {place:?}");
        }
    }
}
