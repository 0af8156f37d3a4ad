//! Receipts that were given, for those who ask again.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use super::table::Key;

/// What an answer costs beside its bytes.
const OVERHEAD_BYTES: usize = 128;

/// Answers in the order they were given, in a bounded number of bytes: the oldest go first.
#[derive(Debug)]
pub(super) struct Answers {
    by_key: HashMap<Key, Bytes>,
    /// With the second until which each is known.
    order: VecDeque<(Key, u32)>,
    bytes: usize,
    most: usize,
}

impl Answers {
    /// None so far, and at most so many bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { by_key: HashMap::new(), order: VecDeque::new(), bytes: 0, most }
    }

    /// Keeps an answer until this second, unless it is larger than all that may be kept.
    pub(super) fn keep(&mut self, key: Key, answer: Bytes, now: u32, until: u32) {
        let cost = answer.len() + OVERHEAD_BYTES;
        let is_due = |(_, until): &(Key, u32)| *until <= now;
        while self.order.front().is_some_and(|first| is_due(first) || self.bytes + cost > self.most)
        {
            let Some((first, _)) = self.order.pop_front() else { break };
            self.forget(first);
        }
        if cost > self.most || self.by_key.contains_key(&key) {
            return;
        }
        self.bytes += cost;
        self.order.push_back((key, until));
        self.by_key.insert(key, answer);
    }

    /// The answer that was given.
    pub(super) fn get(&self, key: Key) -> Option<Bytes> {
        self.by_key.get(&key).cloned()
    }

    fn forget(&mut self, key: Key) {
        if let Some(answer) = self.by_key.remove(&key) {
            self.bytes -= answer.len() + OVERHEAD_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Key {
        Key { backend: 0, id: [number; 16] }
    }

    fn known(answers: &Answers) -> Vec<u8> {
        (0..10).filter(|number| answers.get(key(*number)).is_some()).collect()
    }

    #[test]
    fn the_oldest_answers_make_room_and_all_have_their_time() {
        let mut answers = Answers::new(2 * (100 + OVERHEAD_BYTES));
        let answer = |number: u8| Bytes::from(vec![number; 100]);
        for number in 0..3 {
            answers.keep(key(number), answer(number), 0, 10);
        }
        assert_eq!((known(&answers), answers.bytes), (vec![1, 2], answers.most));
        assert_eq!(answers.get(key(2)), Some(answer(2)));
        answers.keep(key(2), answer(9), 1, 20);
        assert_eq!(answers.get(key(2)), Some(answer(2)), "the first answer stays");
        answers.keep(key(3), Bytes::from(vec![0; 1000]), 1, 20);
        assert!(!known(&answers).contains(&3), "too large");
        answers.keep(key(4), Bytes::new(), 10, 20);
        assert_eq!((known(&answers), answers.bytes), (vec![4], OVERHEAD_BYTES));
        // As large as all that may be kept, and in place of everything.
        answers.keep(key(5), Bytes::from(vec![5; answers.most - OVERHEAD_BYTES]), 10, 20);
        assert_eq!((known(&answers), answers.bytes), (vec![5], answers.most));
    }
}
