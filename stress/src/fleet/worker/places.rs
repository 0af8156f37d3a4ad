//! Where sessions are that have come back: elsewhere than their assignment says.

use std::{net::SocketAddr, num::NonZero};

use crate::{fleet::assignment::Assignment, settings::targets::Target};

/// The places among the targets of those that have moved.
#[derive(Default)]
pub(super) struct Places {
    /// By the session's turn in the worker's share, plus one. Empty until one moves, since sessions that
    /// stay must cost nothing.
    moved: Vec<Option<NonZero<u32>>>,
    /// How many of the worker's sessions belong to each target; empty as long.
    counts: Vec<u32>,
}

impl Places {
    /// The server of a session.
    pub(super) fn target<'a>(
        &self,
        assignment: &'a Assignment,
        number: u32,
    ) -> (SocketAddr, &'a Target) {
        assignment.targets.pick(self.place(assignment, number))
    }

    /// Whether a session is elsewhere than it began.
    pub(super) fn has_moved(&self, assignment: &Assignment, number: u32) -> bool {
        self.moved.get((number - assignment.first) as usize).is_some_and(Option::is_some)
    }

    /// Sends a session to another server, if there is one: to the one that has the fewest, as a load balancer
    /// would. Of several it is any, since workers that move at the same time shall not all choose the same.
    pub(super) fn move_on(&mut self, assignment: &Assignment, number: u32) {
        if self.moved.is_empty() {
            self.begin(assignment);
        }
        let turn = (number - assignment.first) as usize;
        let before = self.place(assignment, number);
        let count = self.counts.len();
        let begin = fastrand::usize(..count);
        let others = (0..count).map(|step| (begin + step) % count).filter(|place| *place != before);
        let Some(place) = others.min_by_key(|place| self.counts[*place]) else { return };
        self.counts[before] -= 1;
        self.counts[place] += 1;
        // There are fewer addresses and ports than that.
        self.moved[turn] = NonZero::new(place as u32 + 1);
    }

    /// One is about to move for the first time.
    fn begin(&mut self, assignment: &Assignment) {
        self.moved.resize(assignment.count as usize, None);
        self.counts.resize(assignment.targets.count(), 0);
        for number in assignment.first..assignment.first + assignment.count {
            self.counts[assignment.place(number)] += 1;
        }
    }

    /// The place of a session's server among the targets.
    fn place(&self, assignment: &Assignment, number: u32) -> usize {
        let moved = self.moved.get((number - assignment.first) as usize).copied().flatten();
        moved.map_or_else(|| assignment.place(number), |place| place.get() as usize - 1)
    }
}

#[cfg(test)]
mod tests;
