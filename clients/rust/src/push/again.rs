//! What is to be sent again: lines in their order, and whom they hold back.

use std::collections::BTreeMap;

use super::{
    queue::{Chunk, Entry, Most},
    recipient::{Held, Recipient},
};

/// Lines that wait to be sent again, or behind such.
#[derive(Debug, Default)]
pub(super) struct Again {
    /// By their numbers.
    lines: BTreeMap<u64, (Entry, Box<[u8]>)>,
    held: Held,
    /// How many are bound to the process that may have taken them.
    bound: usize,
}

impl Again {
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether any line is bound to the process that may have taken it.
    pub(super) fn is_bound(&self) -> bool {
        self.bound > 0
    }

    /// The number of the oldest line.
    pub(super) fn first(&self) -> Option<u64> {
        self.lines.keys().next().copied()
    }

    /// Whether a line has to wait so that it overtakes none of these.
    pub(super) fn holds(&self, recipient: &Recipient) -> bool {
        self.held.stops(recipient)
    }

    /// Puts a line where it belongs.
    pub(super) fn add(&mut self, entry: Entry, line: &[u8]) {
        self.bound += usize::from(entry.is_bound());
        self.held.add(&entry.recipient);
        // A slice of the batch would keep all of it.
        self.lines.insert(entry.number, (entry, line.into()));
    }

    /// Moves the oldest lines into a chunk, as many as there is room for.
    pub(super) fn take(&mut self, most: Most, into: &mut Chunk) {
        while let Some(first) = self.lines.first_entry()
            && most.leaves_room(into, first.get().1.len())
        {
            let (entry, line) = first.remove();
            self.forget(&entry);
            into.add(entry, &line);
        }
    }

    /// Takes out what `is_over`, wherever it stands.
    pub(super) fn take_if(&mut self, is_over: impl Fn(&Entry) -> bool) -> Vec<(Entry, usize)> {
        let over = self.lines.values().filter(|(entry, _)| is_over(entry));
        let over: Vec<_> = over.map(|(entry, _)| entry.number).collect();
        let taken = over.into_iter().filter_map(|number| {
            let (entry, line) = self.lines.remove(&number)?;
            self.forget(&entry);
            Some((entry, line.len()))
        });
        taken.collect()
    }

    fn forget(&mut self, entry: &Entry) {
        self.bound -= usize::from(entry.is_bound());
        self.held.remove(&entry.recipient);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use uuid::Uuid;

    use super::*;

    fn add(again: &mut Again, number: u64, key: u64, uncertain_since: Option<Instant>) {
        let (id, recipient) = (Uuid::nil(), Recipient::One(key));
        let queued = Instant::now();
        let (was_sent, end) = (true, 0);
        let entry = Entry { number, id, ttl: 0, recipient, queued, was_sent, uncertain_since, end };
        again.add(entry, format!("{number}\n").as_bytes());
    }

    #[test]
    fn lines_come_back_in_their_order_and_hold_back_their_own() {
        let mut again = Again::default();
        add(&mut again, 7, 1, None);
        add(&mut again, 3, 2, Some(Instant::now()));
        add(&mut again, 5, 1, None);
        assert!(
            again.is_bound() && again.holds(&Recipient::One(1)) && !again.holds(&Recipient::One(3))
        );
        assert_eq!(again.first(), Some(3));
        let mut chunk = Chunk::default();
        again.take(Most { lines: 2, bytes: 100 }, &mut chunk);
        assert_eq!((chunk.bytes.as_slice(), again.is_bound()), (&b"3\n5\n"[..], false));
        assert!(again.holds(&Recipient::One(1)) && !again.holds(&Recipient::One(2)));
        let over = again.take_if(|entry| entry.number == 7);
        assert_eq!((over.len(), over[0].1), (1, 2));
        assert!(again.is_empty() && !again.holds(&Recipient::All));
    }
}
