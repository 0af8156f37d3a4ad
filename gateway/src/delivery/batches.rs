//! Which batches each pusher-api has already delivered, so that one sent again after a lost
//! connection is not delivered twice.

use parking_lot::Mutex;
use uuid::Uuid;

/// Pusher-apis remembered; beyond it the one that has been silent longest is forgotten.
const SENDERS: usize = 64;

/// The last batch of each sender, the most recently heard sender last.
#[derive(Debug, Default)]
pub(crate) struct BatchLog(Mutex<Vec<(Uuid, u64)>>);

impl BatchLog {
    /// The last batch of a sender; 0 if it is unknown.
    pub(crate) fn last(&self, sender: Uuid) -> u64 {
        let log = self.0.lock();
        log.iter().find(|(known, _)| *known == sender).map_or(0, |(_, seq)| *seq)
    }

    /// Whether the batch has not been seen before; it has been from now on.
    pub(crate) fn is_new(&self, sender: Uuid, seq: u64) -> bool {
        let mut log = self.0.lock();
        let position = log.iter().position(|(known, _)| *known == sender);
        let last = position.map_or(0, |position| log.remove(position).1);
        log.push((sender, last.max(seq)));
        if log.len() > SENDERS {
            log.remove(0);
        }
        seq > last
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
}
