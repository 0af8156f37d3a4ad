//! Tokens that were checked a moment ago.
//!
//! A storm brings the same tokens again, and a signature costs more than everything else of a
//! handshake. What is remembered is found by the SHA-256 of the whole token, so that only the very same
//! one is taken; it is forgotten within a minute, and when the keys change. Time is judged anew at each
//! use. Only tokens with a good signature get in, so nobody without one can fill it.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::identity::Identity;

/// How long a token is remembered at most.
const MEMORY: Duration = Duration::from_secs(60);
/// Locks, so that threads seldom wait for each other.
const SHARDS: usize = 16;
/// What a table needs for an entry besides it, with the room it keeps free.
const SLACK_BYTES: usize = 24;

/// SHA-256 of a token.
pub(super) type Digest = [u8; 32];

/// What a token said.
#[derive(Debug, Clone)]
pub(super) struct Remembered {
    /// Without an end: that depends on the present time.
    pub identity: Identity,
    /// `nbf`, 0 for none.
    pub not_before: u64,
    /// `exp`.
    pub expires: u64,
    /// Which change of keys it was checked after.
    pub keys: u64,
}

impl Remembered {
    /// Roughly the bytes it takes up in a table.
    fn bytes(&self) -> usize {
        const TEXT: usize = 24;
        let Identity { user, device, topics, subscribable, .. } = &self.identity;
        let text = |length: usize| length + TEXT;
        size_of::<(Digest, Self)>()
            + SLACK_BYTES
            + text(user.as_str().len())
            + device.as_ref().map_or(0, |device| text(device.as_str().len()))
            + topics.iter().map(|topic| 8 + text(topic.as_str().len())).sum::<usize>()
            + subscribable.len() * 48
    }
}

/// Tokens of two half minutes: those of the last one, and those of the one before.
struct Shard {
    young: HashMap<Digest, Remembered>,
    old: HashMap<Digest, Remembered>,
    young_bytes: usize,
    /// When the last half minute began.
    turned: Instant,
}

impl Shard {
    /// Forgets what is old at `now`.
    fn turn(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.turned);
        if since >= MEMORY {
            self.begin(now);
            self.old = HashMap::new();
        } else if since >= MEMORY / 2 {
            // By the clock and not by when somebody looked, so that nothing lives longer.
            self.begin(self.turned + MEMORY / 2);
        }
    }

    fn begin(&mut self, turned: Instant) {
        self.old = std::mem::take(&mut self.young);
        (self.young_bytes, self.turned) = (0, turned);
    }
}

/// The tokens of a process.
pub(super) struct Verified {
    shards: [Mutex<Shard>; SHARDS],
    /// Bytes of each shard's half minute.
    limit: usize,
}

impl Verified {
    /// None yet, and never more than fit into so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let turned = Instant::now();
        let shards = std::array::from_fn(|_| {
            let (young, old) = (HashMap::new(), HashMap::new());
            Mutex::new(Shard { young, old, young_bytes: 0, turned })
        });
        Self { shards, limit: bytes / SHARDS / 2 }
    }

    /// What this token said, if it was checked by the same keys lately.
    pub(super) fn find(&self, digest: &Digest, keys: u64, now: Instant) -> Option<Remembered> {
        let mut shard = self.shard(digest).lock();
        shard.turn(now);
        let found = shard.young.get(digest).or_else(|| shard.old.get(digest));
        found.filter(|found| found.keys == keys).cloned()
    }

    /// Remembers what a token said.
    pub(super) fn remember(&self, digest: Digest, token: Remembered, now: Instant) {
        let bytes = token.bytes();
        if bytes > self.limit {
            return;
        }
        let mut shard = self.shard(&digest).lock();
        shard.turn(now);
        if shard.young_bytes + bytes > self.limit {
            shard.begin(now);
        }
        if shard.young.insert(digest, token).is_none() {
            shard.young_bytes += bytes;
        }
    }

    /// Gives back the memory of what is old; to be called now and then.
    pub(super) fn forget(&self, now: Instant) {
        self.shards.iter().for_each(|shard| shard.lock().turn(now));
    }

    fn shard(&self, digest: &Digest) -> &Mutex<Shard> {
        &self.shards[usize::from(digest[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests;
