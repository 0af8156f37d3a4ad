//! What the sessions of a thread hold of memory, and which of them hold most.
//!
//! Nearly none holds anything: a record exists only while one does. It is brought up to date at the
//! end of each turn of the session, in one place, whatever happened in it.

use slab::Slab;

use crate::ledger::Ledger;

/// What one session holds, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Of frames and messages that have not come whole.
    pub incomplete: usize,
    /// What its queue takes itself.
    pub queue: usize,
    /// What waits in it.
    pub waiting: usize,
    /// Whether it has been closed, and will give back what it holds in any case.
    pub closing: bool,
}

impl Held {
    /// Nothing at all.
    pub(super) const NOTHING: Self = Self { incomplete: 0, queue: 0, waiting: 0, closing: false };

    fn book(self, before: Self, ledger: &Ledger) {
        ledger.incomplete.change(before.incomplete, self.incomplete);
        ledger.queues.change(before.queue, self.queue);
        ledger.waiting.change(before.waiting, self.waiting);
    }
}

/// Who of a thread's sessions holds something.
#[derive(Debug, Default)]
pub(crate) struct Holdings {
    records: Slab<(u32, Held)>,
    /// Whether one has come to hold more since this was last asked.
    grown: bool,
}

impl Holdings {
    /// A new record of the session in a seat, which holds nothing yet.
    pub(super) fn open(&mut self, seat: u32) -> usize {
        self.records.insert((seat, Held::NOTHING))
    }

    /// Takes note in a record of what its session holds now.
    pub(super) fn update(&mut self, record: usize, now: Held, ledger: &Ledger) {
        let before = std::mem::replace(&mut self.records[record].1, now);
        now.book(before, ledger);
        self.grown |= now.incomplete > before.incomplete || now.queue > before.queue;
    }

    /// Ends a record; its session holds nothing any more.
    pub(super) fn close(&mut self, record: usize, ledger: &Ledger) {
        self.update(record, Held::NOTHING, ledger);
        self.records.remove(record);
    }

    /// Whether one has come to hold more of its own since this was last asked.
    pub(super) fn take_grown(&mut self) -> bool {
        std::mem::take(&mut self.grown)
    }

    /// The seats of those who are closing and still hold something.
    pub(super) fn ending(&self, bytes: impl Fn(&Held) -> usize) -> Vec<u32> {
        let ending = self.records.iter().filter(|(_, (_, held))| held.closing && bytes(held) > 0);
        ending.map(|(_, (seat, _))| *seat).collect()
    }

    /// The seats of those who hold most, the largest first: as few as bring `excess` bytes back, and
    /// none who has less than `average`.
    pub(super) fn largest(
        &self,
        bytes: impl Fn(&Held) -> usize,
        average: usize,
        excess: usize,
    ) -> Vec<u32> {
        let open = self.records.iter().filter(|(_, (_, held))| !held.closing);
        let all = open.map(|(_, (seat, held))| (bytes(held), *seat));
        let mut large: Vec<_> = all.filter(|(bytes, _)| *bytes >= average.max(1)).collect();
        large.sort_unstable_by(|one, other| other.cmp(one));
        let mut back = 0;
        let needed = large.into_iter().take_while(|(bytes, _)| {
            let more = back < excess;
            back += bytes;
            more
        });
        needed.map(|(_, seat)| seat).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holdings(bytes: &[usize]) -> Holdings {
        let mut holdings = Holdings::default();
        for (seat, bytes) in bytes.iter().enumerate() {
            holdings.records.insert((seat as u32, Held { incomplete: *bytes, ..Held::NOTHING }));
        }
        holdings
    }

    #[test]
    fn who_is_closing_has_gone_already() {
        let mut holdings = holdings(&[10, 90]);
        holdings.records[1].1.closing = true;
        assert_eq!(holdings.largest(|held| held.incomplete, 0, 1), [0]);
        assert_eq!(holdings.ending(|held| held.incomplete), [1]);
        assert!(holdings.ending(|held| held.waiting).is_empty());
    }

    #[test]
    fn as_few_go_as_are_needed_and_only_large_ones() {
        let holdings = holdings(&[10, 90, 40, 50, 0]);
        let cases: [(usize, usize, &[u32]); 6] = [
            (0, 0, &[]),
            (0, 1, &[1]),
            (0, 90, &[1]),
            (0, 91, &[1, 3]),
            (45, 1000, &[1, 3]),
            (0, 1000, &[1, 3, 2, 0]),
        ];
        for (average, excess, seats) in cases {
            let largest = holdings.largest(|held| held.incomplete, average, excess);
            assert_eq!(largest, seats, "average {average}, excess {excess}");
        }
        assert!(holdings.largest(|held| held.waiting, 0, 1000).is_empty());
    }
}
