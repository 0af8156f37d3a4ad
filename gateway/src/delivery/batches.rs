//! Which batches each pusher-api has already delivered, so that one sent again after a lost
//! connection is not delivered twice, and whether one is being delivered.

use parking_lot::Mutex;
use uuid::Uuid;

/// Pusher-apis remembered; beyond it the one that has been silent longest is forgotten.
const SENDERS: usize = 64;

#[derive(Debug)]
struct Sender {
    id: Uuid,
    last: u64,
    is_under_way: bool,
}

/// The last batch of each sender, the most recently heard sender last.
#[derive(Debug, Default)]
pub(crate) struct BatchLog(Mutex<Vec<Sender>>);

impl BatchLog {
    /// The last batch of a sender; 0 if it is unknown.
    pub(crate) fn last(&self, sender: Uuid) -> u64 {
        let log = self.0.lock();
        log.iter().find(|known| known.id == sender).map_or(0, |known| known.last)
    }

    /// Whether the batch has not been seen before; it has been from now on, and is under way until
    /// [`Self::done`].
    pub(crate) fn is_new(&self, sender: Uuid, seq: u64) -> bool {
        let mut log = self.0.lock();
        let position = log.iter().position(|known| known.id == sender);
        let known = position.map(|position| log.remove(position));
        let mut known = known.unwrap_or(Sender { id: sender, last: 0, is_under_way: false });
        let is_new = seq > known.last;
        known.last = known.last.max(seq);
        known.is_under_way |= is_new;
        log.push(known);
        if log.len() > SENDERS {
            log.remove(0);
        }
        is_new
    }

    /// Whether a batch of the sender is being delivered: the next one waits.
    pub(crate) fn is_under_way(&self, sender: Uuid) -> bool {
        self.0.lock().iter().any(|known| known.id == sender && known.is_under_way)
    }

    /// Whether a batch of anybody is being delivered.
    pub(crate) fn is_any_under_way(&self) -> bool {
        self.0.lock().iter().any(|known| known.is_under_way)
    }

    /// The last batch of every sender, the most recently heard sender last.
    pub(crate) fn all(&self) -> Vec<(Uuid, u64)> {
        self.0.lock().iter().map(|known| (known.id, known.last)).collect()
    }

    /// Knows what another process has delivered.
    pub(crate) fn resumed(all: &[(Uuid, u64)]) -> Self {
        let known = all.iter().rev().take(SENDERS).rev();
        let known = known.map(|(id, last)| Sender { id: *id, last: *last, is_under_way: false });
        Self(Mutex::new(known.collect()))
    }

    /// The batch under way was delivered.
    pub(crate) fn done(&self, sender: Uuid) {
        let mut log = self.0.lock();
        log.iter_mut().filter(|known| known.id == sender).for_each(|it| it.is_under_way = false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_batch_is_new_once_and_senders_are_bounded() {
        let log = BatchLog::default();
        let sender = Uuid::from_u128(1);
        let new = [1, 2, 2, 1, 3].map(|seq| log.is_new(sender, seq));
        assert_eq!(new, [true, true, false, false, true]);
        assert_eq!(log.last(sender), 3);
        for other in 2..200 {
            assert!(log.is_new(Uuid::from_u128(other), 1));
        }
        assert_eq!(log.last(sender), 0);
    }

    #[test]
    fn another_process_goes_on_with_the_numbers() {
        let log = BatchLog::default();
        let [one, two] = [1, 2].map(Uuid::from_u128);
        assert!(log.is_new(one, 3) && log.is_any_under_way());
        log.done(one);
        assert!(log.is_new(two, 5));
        log.done(two);
        assert!(!log.is_any_under_way());
        let next = BatchLog::resumed(&log.all());
        assert_eq!(next.all(), [(one, 3), (two, 5)]);
        assert!(!next.is_new(one, 3) && next.is_new(one, 4) && !next.is_new(two, 5));
    }

    #[test]
    fn a_batch_is_under_way_from_when_it_is_new_until_it_is_done() {
        let log = BatchLog::default();
        let [one, two] = [1, 2].map(Uuid::from_u128);
        assert!(log.is_new(one, 1) && log.is_new(two, 7));
        log.done(two);
        assert_eq!([one, two].map(|sender| log.is_under_way(sender)), [true, false]);
        assert!(!log.is_new(two, 7) && !log.is_under_way(two), "what came again is not");
        assert!(!log.is_new(one, 1) && log.is_under_way(one), "nor does it end what is");
        log.done(one);
        assert!(!log.is_under_way(one));
    }
}
