//! Places of a log that a store gave, and those that it never gave.

use protocol::kept::{Place, Step, place::Following};

use super::{
    follower::Follower,
    operation::Whence,
    reference::{Reference, check},
};

/// What was seen of a log from outside.
#[derive(Debug)]
pub(super) struct Seen {
    /// Every place.
    pub(super) places: Vec<Place>,
    /// Those behind which nothing has come yet.
    ends: Vec<Place>,
    /// Where somebody is who hears of everything, and somebody who does not.
    pub(super) followers: [Follower; 2],
}

/// A place, and what a store must think of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    pub(super) place: Place,
    pub(super) belief: Belief,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belief {
    Believed,
    /// It is of another log, which may count by itself or not.
    Either,
    NotBelieved,
}

impl Seen {
    pub(super) fn new() -> Self {
        let followers = [(), ()].map(|()| Follower::at(Place::START));
        Self { places: Vec::new(), ends: Vec::new(), followers }
    }

    pub(super) fn place(&mut self, place: Place) {
        if place != Place::START && !self.places.contains(&place) {
            self.places.push(place);
        }
    }

    pub(super) fn end(&mut self, place: Place) {
        self.place(place);
        if !self.ends.contains(&place) {
            self.ends.push(place);
        }
    }

    /// Whether what was appended follows what was there.
    pub(super) fn step(&mut self, step: Step, reference: &Reference) -> Result<(), String> {
        let last = reference.numbers().next_back().unwrap_or_default();
        check(step.place.number > last, || format!("{step:?} does not rise above {last}"))?;
        check(step.seen_from(step.place) == Following::Past, || {
            format!("{step:?} does not follow")
        })?;
        for end in &self.ends {
            let following = step.seen_from(*end);
            // A store that was opened again may count from the last message instead of from then.
            let is_read_again = following == Following::Unsure && end.check != step.place.check;
            let holds = following == Following::Next || is_read_again;
            check(holds, || format!("{step:?} is {following:?} at the end, {end:?}"))?;
        }
        for place in self.places.iter().filter(|place| place.number < last) {
            let following = step.seen_from(*place);
            check(following == Following::Unsure, || {
                format!("{step:?} is {following:?} from {place:?}")
            })?;
        }
        self.ends.clear();
        self.end(step.place);
        Ok(())
    }
}

/// The place that is meant, for this log.
pub(super) fn given(whence: &Whence, log: usize, seen: &[Seen]) -> Given {
    use Belief::*;
    let own = &seen[log].places;
    let all = || seen.iter().flat_map(|seen| &seen.places);
    let start = Given { place: Place::START, belief: Believed };
    match whence {
        Whence::Own(index) if !own.is_empty() => Given { place: *index.get(own), belief: Believed },
        Whence::Any(index) if all().next().is_some() => {
            let place = *index.get(&all().copied().collect::<Vec<_>>());
            Given { place, belief: if own.contains(&place) { Believed } else { Either } }
        }
        Whence::Beyond(is_far) if all().next().is_some() => {
            let last = *all().max_by_key(|place| place.number).unwrap();
            let number = if *is_far { u64::MAX } else { last.number + (1 << 40) };
            Given { place: Place { number, ..last }, belief: NotBelieved }
        }
        Whence::OtherHistory(index) if !own.is_empty() => {
            let place = *index.get(own);
            Given { place: Place { check: !place.check, ..place }, belief: NotBelieved }
        }
        _ => start,
    }
}
