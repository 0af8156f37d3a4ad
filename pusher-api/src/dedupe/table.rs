//! Part of the ids that are remembered: a table of bounded size, which forgets in the order in which it
//! learned. A plain value without a clock or a lock.
//!
//! A record is 40 bytes; a slot of 4 finds it by its key's hash (open addressing, linear probing), so
//! that an id costs about 46. Records of pushes that were taken stand in one queue, oldest first. One
//! whose push is not decided yet stands in none: it is never forgotten, and given back it leaves
//! nothing behind.

use std::hash::{BuildHasher, RandomState};

use protocol::MessageId;

/// Whose id it is, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    /// The backend.
    pub backend: u32,
    /// Its id.
    pub id: [u8; 16],
}

impl Key {
    /// The key of a push's id; ids of backends are folded, which keeps records small.
    pub(crate) fn new(backend: u64, id: MessageId) -> Self {
        Self { backend: (backend ^ backend >> 32) as u32, id: *id.0.as_bytes() }
    }
}

/// What is known of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Whether its push is taken has not been decided.
    Begun,
    /// It was taken, and its receipt is waited for.
    Collecting,
    /// It was taken.
    Done,
}

/// What a table makes of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It was not known and is now; `forgot` if another one had to be forgotten for it.
    Fresh {
        /// Whether one was forgotten before its time.
        forgot: bool,
    },
    /// It was not known, and nothing can be forgotten for it.
    NoRoom,
    /// It is known with the same content.
    Same(State),
    /// It is known with another content.
    Other,
}

#[derive(Debug, Clone, Copy)]
struct Record {
    content: u64,
    key: Key,
    /// The second at which it is forgotten.
    until: u32,
    /// The record behind it in the queue, or among those that are free.
    next: u32,
    state: State,
}

/// No record.
const NONE: u32 = u32::MAX;

/// Ids, found by their key and forgotten in order.
#[derive(Debug)]
pub(super) struct Table {
    hasher: RandomState,
    /// Where the record of a key is; a power of two of them.
    slots: Box<[u32]>,
    /// Grows up to `most`.
    records: Vec<Record>,
    most: usize,
    known: usize,
    free: u32,
    oldest: u32,
    newest: u32,
}

impl Table {
    /// A table of at most about this many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let slots = (bytes / 32).next_power_of_two().max(4);
        let for_records = bytes.saturating_sub(slots * size_of::<u32>());
        // A search ends at an empty slot: there is always one.
        let most = (for_records / size_of::<Record>()).clamp(1, slots - 1);
        Self {
            hasher: RandomState::new(),
            slots: vec![NONE; slots].into(),
            records: Vec::new(),
            most,
            known: 0,
            free: NONE,
            oldest: NONE,
            newest: NONE,
        }
    }

    /// How many ids it knows.
    pub(super) fn known(&self) -> usize {
        self.known
    }

    /// How many it can know.
    pub(super) fn most(&self) -> usize {
        self.most
    }

    /// Claims an id, at this second, for a push of this content.
    pub(super) fn claim(&mut self, key: Key, content: u64, now: u32) -> Found {
        self.forget_until(now);
        if let Some(slot) = self.find(key) {
            let record = self.records[self.slots[slot] as usize];
            return if record.content == content {
                Found::Same(record.state)
            } else {
                Found::Other
            };
        }
        let forgot = self.known == self.most;
        if forgot && !self.forget_oldest() {
            return Found::NoRoom;
        }
        self.insert(Record { content, key, until: 0, next: NONE, state: State::Begun });
        Found::Fresh { forgot }
    }

    /// The push of a claimed id was taken: it is known until this second, which is never before that
    /// of the one settled last.
    pub(super) fn settle(&mut self, key: Key, state: State, until: u32) {
        let Some(slot) = self.find(key) else { return };
        let place = self.slots[slot];
        let record = &mut self.records[place as usize];
        if record.state == State::Begun {
            (record.until, record.next) = (until, NONE);
            match self.newest {
                NONE => self.oldest = place,
                newest => self.records[newest as usize].next = place,
            }
            self.newest = place;
        }
        self.records[place as usize].state = state;
    }

    /// Gives back an id that was claimed and not settled.
    pub(super) fn give_back(&mut self, key: Key) {
        let Some(slot) = self.find(key) else { return };
        if self.records[self.slots[slot] as usize].state == State::Begun {
            self.remove(slot);
        }
    }

    fn forget_until(&mut self, now: u32) {
        while self.oldest != NONE && self.records[self.oldest as usize].until <= now {
            self.forget_oldest();
        }
    }

    /// Whether there was one that could be forgotten.
    fn forget_oldest(&mut self) -> bool {
        if self.oldest == NONE {
            return false;
        }
        let Record { key, next, .. } = self.records[self.oldest as usize];
        self.oldest = next;
        if next == NONE {
            self.newest = NONE;
        }
        if let Some(slot) = self.find(key) {
            self.remove(slot);
        }
        true
    }

    fn insert(&mut self, record: Record) {
        let place = match self.free {
            NONE => {
                if self.records.len() == self.records.capacity() {
                    let more = self.records.len().max(64).min(self.most - self.records.len());
                    self.records.reserve_exact(more);
                }
                self.records.push(record);
                self.records.len() as u32 - 1
            }
            free => {
                self.free = self.records[free as usize].next;
                self.records[free as usize] = record;
                free
            }
        };
        let mut slot = self.home(record.key);
        while self.slots[slot] != NONE {
            slot = self.behind(slot);
        }
        self.slots[slot] = place;
        self.known += 1;
    }

    /// Empties a slot and frees its record. Those behind move up, so that a search never has to pass
    /// what is gone.
    fn remove(&mut self, slot: usize) {
        let place = self.slots[slot];
        let (mut hole, mut at) = (slot, slot);
        loop {
            at = self.behind(at);
            let Some(record) = self.records.get(self.slots[at] as usize) else { break };
            // It may move if its search passes the hole.
            let home = self.home(record.key);
            if self.distance(home, at) >= self.distance(hole, at) {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
        }
        self.slots[hole] = NONE;
        self.records[place as usize].next = self.free;
        self.free = place;
        self.known -= 1;
    }

    fn find(&self, key: Key) -> Option<usize> {
        let mut slot = self.home(key);
        while let Some(record) = self.records.get(self.slots[slot] as usize) {
            if record.key == key {
                return Some(slot);
            }
            slot = self.behind(slot);
        }
        None
    }

    fn home(&self, key: Key) -> usize {
        self.hasher.hash_one(key) as usize & (self.slots.len() - 1)
    }

    fn behind(&self, slot: usize) -> usize {
        (slot + 1) & (self.slots.len() - 1)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        to.wrapping_sub(from) & (self.slots.len() - 1)
    }
}

#[cfg(test)]
mod tests;
