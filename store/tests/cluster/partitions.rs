//! Which partition a log is in, and what was last heard of each.

use std::sync::Mutex;

use protocol::kept::{Log, Place};

/// Keys of a log, and of everything that changes with it, share a hash tag with so many other logs.
pub(crate) struct Partitions {
    pub(crate) prefix: String,
    heard: Vec<Mutex<Place>>,
}

impl Partitions {
    pub(crate) fn new(prefix: &str, count: usize) -> Self {
        let heard = (0..count).map(|_| Mutex::new(Place::START)).collect();
        Self { prefix: prefix.into(), heard }
    }

    pub(crate) fn count(&self) -> usize {
        self.heard.len()
    }

    pub(crate) fn of(&self, log: &Log) -> usize {
        self.by_hash(log.fingerprint())
    }

    pub(crate) fn by_hash(&self, hash: u64) -> usize {
        (hash % self.count() as u64) as usize
    }

    /// What all keys of a partition begin with, and the key of the partition itself.
    pub(crate) fn key(&self, partition: usize) -> String {
        format!("{}{{p{partition}}}", self.prefix)
    }

    pub(crate) fn heard(&self, partition: usize) -> Place {
        *self.heard[partition].lock().unwrap()
    }

    /// The partition has come to this place.
    pub(crate) fn hear(&self, partition: usize, place: Place) {
        let mut heard = self.heard[partition].lock().unwrap();
        if heard.check != place.check || heard.number < place.number {
            *heard = place;
        }
    }
}

/// How a log is called in keys.
pub(crate) fn name(log: &Log) -> String {
    let kind = if matches!(log, Log::User(_)) { 'u' } else { 't' };
    format!("{kind}:{}", log.name())
}
