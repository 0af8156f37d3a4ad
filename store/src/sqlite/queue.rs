//! What waits for a thread: in the order in which it came, bounded, and taken back by those who no longer wait.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::{Condvar, Mutex};

/// What waits, for one thread or several.
pub(super) struct Queue<T> {
    inside: Mutex<Inside<T>>,
    came: Condvar,
    most: Bounds,
}

/// How much may wait.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// Items.
    pub(super) items: usize,
    /// Bytes of all items.
    pub(super) bytes: usize,
}

struct Inside<T> {
    waiting: BTreeMap<u64, (T, usize)>,
    next: u64,
    bytes: usize,
    is_closed: bool,
}

/// Why nothing more may wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// As much waits as may.
    Full,
    /// Nobody will take it.
    Closed,
}

/// A place in the queue. When it is dropped, what still waits at it is, too.
pub(super) struct Ticket<T> {
    queue: Arc<Queue<T>>,
    number: u64,
}

impl<T> Queue<T> {
    pub(super) fn new(most: Bounds) -> Arc<Self> {
        let inside = Inside { waiting: BTreeMap::new(), next: 0, bytes: 0, is_closed: false };
        Arc::new(Self { inside: Mutex::new(inside), came: Condvar::new(), most })
    }

    /// Lets an item of so many bytes wait, behind all others.
    pub(super) fn put(self: &Arc<Self>, item: T, bytes: usize) -> Result<Ticket<T>, Refused> {
        let mut inside = self.inside.lock();
        if inside.is_closed {
            return Err(Refused::Closed);
        }
        let is_full = inside.waiting.len() >= self.most.items
            || (inside.bytes + bytes > self.most.bytes && !inside.waiting.is_empty());
        if is_full {
            return Err(Refused::Full);
        }
        let number = inside.next;
        inside.next += 1;
        inside.bytes += bytes;
        inside.waiting.insert(number, (item, bytes));
        drop(inside);
        self.came.notify_one();
        Ok(Ticket { queue: self.clone(), number })
    }

    /// What waits, at most so many items, as soon as there is something, and nothing when the time is over. `None`
    /// when nothing will come.
    pub(super) fn take(&self, most: usize, wait: Duration) -> Option<Vec<T>> {
        let mut inside = self.inside.lock();
        if inside.waiting.is_empty() && !inside.is_closed && !wait.is_zero() {
            self.came.wait_for(&mut inside, wait);
        }
        if inside.waiting.is_empty() && inside.is_closed {
            return None;
        }
        let mut taken = Vec::with_capacity(most.min(inside.waiting.len()));
        while taken.len() < most
            && let Some((_, (item, bytes))) = inside.waiting.pop_first()
        {
            inside.bytes -= bytes;
            taken.push(item);
        }
        if !inside.waiting.is_empty() {
            self.came.notify_one();
        }
        Some(taken)
    }

    /// Lets nothing more wait. What does is still taken.
    pub(super) fn close(&self) {
        self.inside.lock().is_closed = true;
        self.came.notify_all();
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        let mut inside = self.queue.inside.lock();
        let given_up = inside.waiting.remove(&self.number);
        if let Some((_, bytes)) = &given_up {
            inside.bytes -= bytes;
        }
        // The item may answer when it goes.
        drop(inside);
        drop(given_up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn what_waits_is_taken_in_order_and_may_be_taken_back() {
        let queue = Queue::new(Bounds { items: 4, bytes: 10 });
        let kept: Vec<_> = (0..4).map(|item| queue.put(item, 1)).collect();
        assert_eq!(queue.put(4, 1).err(), Some(Refused::Full));
        let mut kept = kept.into_iter();
        drop(kept.next());
        assert_eq!(queue.take(2, NOW), Some(vec![1, 2]));
        assert_eq!(queue.take(2, NOW), Some(vec![3]));
        assert_eq!(queue.take(2, NOW), Some(vec![]));
    }

    #[test]
    fn bytes_are_bounded_but_one_item_always_may_wait() {
        let queue = Queue::new(Bounds { items: 4, bytes: 10 });
        let large = queue.put("large", 11);
        assert_eq!(queue.put("small", 1).err(), Some(Refused::Full));
        drop(large);
        assert!(queue.put("small", 10).is_ok());
    }

    #[test]
    fn nothing_comes_after_the_end_but_what_waited() {
        let queue = Queue::new(Bounds { items: 4, bytes: 10 });
        let _ticket = queue.put((), 1);
        queue.close();
        assert_eq!(queue.put((), 1).err(), Some(Refused::Closed));
        assert_eq!((queue.take(1, NOW), queue.take(1, NOW)), (Some(vec![()]), None));
    }
}
