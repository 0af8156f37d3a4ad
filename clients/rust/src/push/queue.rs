//! What waits to be sent for the first time: lines in chunks that become bodies as they are.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use tokio::sync::Notify;
use uuid::Uuid;

use super::{message::Finished, recipient::Recipient};

/// What is known of a line.
#[derive(Debug)]
pub(super) struct Entry {
    /// Its place in its connection's order.
    pub(super) number: u64,
    pub(super) id: Uuid,
    /// Seconds; 0 for what is not kept.
    pub(super) ttl: u32,
    pub(super) recipient: Recipient,
    pub(super) queued: Instant,
    /// Whether it was sent before.
    pub(super) was_sent: bool,
    /// When it was sent first without an answer: it may have been taken.
    pub(super) uncertain_since: Option<Instant>,
    /// Where it ends in the bytes that it stands in.
    pub(super) end: usize,
}

impl Entry {
    /// Whether it is for sessions online now.
    pub(super) fn is_live(&self) -> bool {
        self.ttl == 0
    }

    /// Whether it is known to that process only that may have taken it.
    pub(super) fn is_bound(&self) -> bool {
        self.is_live() && self.uncertain_since.is_some()
    }

    /// Memory that it takes with its line of so many bytes.
    pub(super) fn bytes(&self, line: usize) -> usize {
        Self::bytes_of(&self.recipient, line)
    }

    /// The same before there is one.
    pub(super) fn bytes_of(recipient: &Recipient, line: usize) -> usize {
        size_of::<Self>() + recipient.bytes() + line
    }
}

/// Lines that follow each other.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
}

/// Each line with what is known of it.
pub(super) fn lines(bytes: &[u8], entries: Vec<Entry>) -> impl Iterator<Item = (Entry, &[u8])> {
    let mut begin = 0;
    entries.into_iter().map(move |entry| {
        let line = &bytes[begin..entry.end];
        begin = entry.end;
        (entry, line)
    })
}

impl Chunk {
    /// Adds a line behind the others.
    pub(super) fn add(&mut self, entry: Entry, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.entries.push(Entry { end: self.bytes.len(), ..entry });
    }
}

/// How much goes in one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub(super) lines: usize,
    pub(super) bytes: usize,
}

impl Most {
    /// Whether a line of so many bytes still fits behind what is there. One line always does.
    pub(super) fn leaves_room(self, chunk: &Chunk, line: usize) -> bool {
        chunk.entries.is_empty()
            || (chunk.entries.len() < self.lines && chunk.bytes.len() + line <= self.bytes)
    }
}

/// What waits for one connection.
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    /// Wakes whoever sends.
    awake: Notify,
}

struct Waiting {
    most: Most,
    full: VecDeque<Chunk>,
    last: Chunk,
    next: u64,
    /// Whether whoever sends has found nothing, and waits.
    is_asleep: bool,
    is_closed: bool,
}

impl Queue {
    /// One whose chunks have at most so much.
    pub(super) fn new(most: Most) -> Self {
        let (full, last) = (VecDeque::new(), Chunk::default());
        let waiting = Waiting { most, full, last, next: 0, is_asleep: false, is_closed: false };
        Self { waiting: Mutex::new(waiting), awake: Notify::new() }
    }

    /// Puts a line behind the others; whether it was let in.
    pub(super) fn push(&self, finished: Finished) -> bool {
        let Finished { line, recipient, ttl, id } = finished;
        let queued = Instant::now();
        let mut waiting = self.lock();
        if waiting.is_closed {
            return false;
        }
        let number = waiting.next;
        waiting.next += 1;
        if !waiting.most.leaves_room(&waiting.last, line.len()) {
            let chunk = std::mem::take(&mut waiting.last);
            waiting.full.push_back(chunk);
        }
        let (was_sent, uncertain_since, end) = (false, None, 0);
        let entry = Entry { number, id, ttl, recipient, queued, was_sent, uncertain_since, end };
        waiting.last.add(entry, &line);
        let is_asleep = std::mem::take(&mut waiting.is_asleep);
        drop(waiting);
        if is_asleep {
            self.awake.notify_one();
        }
        true
    }

    /// The oldest lines, if they go in one request with these. Where there are none, the next line wakes whoever
    /// sends.
    pub(super) fn take_behind(&self, chunk: &Chunk, most: Most) -> Option<Chunk> {
        let mut waiting = self.lock();
        let oldest = waiting.full.front().unwrap_or(&waiting.last);
        if oldest.entries.is_empty() {
            waiting.is_asleep = true;
            return None;
        }
        let lines = chunk.entries.len() + oldest.entries.len();
        let bytes = chunk.bytes.len() + oldest.bytes.len();
        let fits = chunk.entries.is_empty() || (lines <= most.lines && bytes <= most.bytes);
        let oldest = |waiting: &mut Waiting| {
            let first = waiting.full.pop_front();
            first.unwrap_or_else(|| std::mem::take(&mut waiting.last))
        };
        fits.then(|| oldest(&mut waiting))
    }

    /// Takes out what `is_over`, wherever it stands.
    pub(super) fn take_if(&self, is_over: impl Fn(&Entry) -> bool) -> Vec<(Entry, usize)> {
        let mut waiting = self.lock();
        let waiting = &mut *waiting;
        let mut taken = Vec::new();
        for chunk in waiting.full.iter_mut().chain([&mut waiting.last]) {
            if chunk.entries.iter().any(&is_over) {
                let Chunk { bytes, entries } = std::mem::take(chunk);
                for (entry, line) in lines(&bytes, entries) {
                    match is_over(&entry) {
                        true => taken.push((entry, line.len())),
                        false => chunk.add(entry, line),
                    }
                }
            }
        }
        waiting.full.retain(|chunk| !chunk.entries.is_empty());
        taken
    }

    /// Waits until there is something new.
    pub(super) async fn changed(&self) {
        self.awake.notified().await;
    }

    /// The number of the oldest line, or that of the next one.
    pub(super) fn first(&self) -> u64 {
        let waiting = self.lock();
        let oldest = waiting.full.front().unwrap_or(&waiting.last).entries.first();
        oldest.map_or(waiting.next, |entry| entry.number)
    }

    /// How many lines there have been.
    pub(super) fn count(&self) -> u64 {
        self.lock().next
    }

    /// Lets nothing in any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing in between leaves it half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What all queues of a client may hold, and what they do, from being queued until their fate is known.
#[derive(Debug)]
pub(super) struct Room {
    most: Most,
    lines: AtomicUsize,
    bytes: AtomicUsize,
}

impl Room {
    /// Room for so much.
    pub(super) fn new(most: Most) -> Self {
        Self { most, lines: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    /// Takes room for a line; whether there was.
    pub(super) fn take(&self, bytes: usize) -> bool {
        let lines = self.lines.fetch_add(1, Ordering::Relaxed) + 1;
        let all = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let has_room = lines <= self.most.lines && all <= self.most.bytes;
        if !has_room {
            self.give_back(1, bytes);
        }
        has_room
    }

    /// So many lines are gone.
    pub(super) fn give_back(&self, lines: usize, bytes: usize) {
        self.lines.fetch_sub(lines, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Lines and bytes that are held.
    pub(super) fn taken(&self) -> (usize, usize) {
        (self.lines.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::message::{Push, To};

    fn queue(lines: usize, bytes: usize) -> Queue {
        Queue::new(Most { lines, bytes })
    }

    fn push(queue: &Queue, user: &str) -> bool {
        queue.push(Push::bytes(To::User(user), b"").finish(Uuid::new_v4))
    }

    fn take(queue: &Queue) -> Option<Chunk> {
        queue.take_behind(&Chunk::default(), Most { lines: 1, bytes: 1 })
    }

    fn numbers(chunk: Option<Chunk>) -> Vec<u64> {
        chunk.iter().flat_map(|chunk| &chunk.entries).map(|entry| entry.number).collect()
    }

    #[test]
    fn chunks_are_as_large_as_they_may_be_and_lines_keep_their_order() {
        let queue = queue(2, 10_000);
        assert!(take(&queue).is_none());
        (0..5).for_each(|_| assert!(push(&queue, "u")));
        assert_eq!((queue.first(), queue.count()), (0, 5));
        let expected = [vec![0, 1], vec![2, 3], vec![4], vec![]];
        let first = take(&queue).expect("a chunk");
        assert!(queue.take_behind(&first, Most { lines: 3, bytes: 10_000 }).is_none(), "too many");
        assert!(queue.take_behind(&first, Most { lines: 4, bytes: 100 }).is_none(), "too large");
        let others = [(); 3].map(|()| numbers(take(&queue)));
        assert_eq!([vec![numbers(Some(first))], others.to_vec()].concat(), expected);
        assert_eq!(queue.first(), 5);
        let large = self::queue(100, 10);
        (0..2).for_each(|_| assert!(push(&large, "a line that is larger than a chunk")));
        assert_eq!([(); 2].map(|()| numbers(take(&large))), [vec![0], vec![1]]);
        large.close();
        assert!(!push(&large, "u"));
    }

    #[test]
    fn what_is_over_is_taken_out_and_the_rest_is_as_it_was() {
        let queue = queue(3, 10_000);
        (0..7).for_each(|_| assert!(push(&queue, "u")));
        let taken = queue.take_if(|entry| [0, 1, 2, 4].contains(&entry.number));
        let taken: Vec<_> = taken.into_iter().map(|(entry, _)| entry.number).collect();
        assert_eq!((taken, queue.first()), (vec![0, 1, 2, 4], 3));
        let Chunk { bytes, entries } = take(&queue).expect("a chunk");
        let whole = |line: &[u8]| line.starts_with(b"{\"to\"") && line.ends_with(b"}\n");
        let left = lines(&bytes, entries).map(|(entry, line)| whole(line).then_some(entry.number));
        assert_eq!(left.collect::<Vec<_>>(), [Some(3), Some(5)]);
        assert_eq!(numbers(take(&queue)), [6]);
    }

    #[test]
    fn room_is_bounded_in_lines_and_bytes() {
        let room = Room::new(Most { lines: 2, bytes: 100 });
        assert!(room.take(60) && !room.take(41) && room.take(40) && !room.take(0));
        assert_eq!(room.taken(), (2, 100));
        room.give_back(2, 100);
        assert_eq!(room.taken(), (0, 0));
    }
}
