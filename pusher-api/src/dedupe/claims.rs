//! Ids of the last five minutes, in a bounded number of bytes, for every thread at once.
//!
//! An id is claimed before its push is looked at further, and is one of three things from then on: given
//! back, because the push was refused; taken; or taken with a receipt to come. Whoever comes with
//! the same id and content meanwhile waits for what becomes of it.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    time::Duration,
};

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::IntCounter;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{
    answers::Answers,
    table::{Found, Key, State, Table},
};

/// How long an id is remembered.
const WINDOW: Duration = Duration::from_secs(5 * 60);
/// How long a repetition waits for the fate of a push that is under way.
const PATIENCE: Duration = Duration::from_secs(5);
/// Tables that are locked apart.
const PARTS: usize = 16;
/// The part of the memory that is for receipts.
const ANSWERS_SHARE: usize = 16;

/// Ids that were seen.
#[derive(Debug)]
pub(crate) struct Dedupe {
    hasher: RandomState,
    parts: [Part; PARTS],
    answers: Mutex<Answers>,
    begun: Instant,
    forgotten: IntCounter,
}

#[derive(Debug)]
struct Part {
    table: Mutex<Table>,
    /// Something was decided.
    decided: Notify,
}

/// Why an id is not the claimant's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// The push was taken before.
    Taken,
    /// It was taken before, and this is the receipt that was given.
    Answered(Bytes),
    /// It was taken before, and its receipt is not known.
    Unanswered,
    /// It is under way still.
    UnderWay,
    /// The id was another push's.
    OtherContent,
}

impl Dedupe {
    /// Remembers as many ids as fit into this many bytes, and counts those it has to forget early.
    pub(crate) fn new(bytes: usize, forgotten: IntCounter) -> Self {
        let for_answers = bytes / ANSWERS_SHARE;
        let part = |_| Part {
            table: Mutex::new(Table::new((bytes - for_answers) / PARTS)),
            decided: Notify::new(),
        };
        Self {
            hasher: RandomState::new(),
            parts: std::array::from_fn(part),
            answers: Mutex::new(Answers::new(for_answers)),
            begun: Instant::now(),
            forgotten,
        }
    }

    /// A number that stands for a content; another content has another one for all practical purposes.
    pub(crate) fn content(&self, of: &impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    /// Takes an id for a push of this content, unless it was taken already. Where a receipt is asked
    /// for, that long is waited for the receipt of the first.
    ///
    /// # Errors
    /// What became of the push that had the id first.
    pub(crate) async fn claim(
        &self,
        key: Key,
        content: u64,
        receipt: Option<Duration>,
    ) -> Result<Claim<'_>, Repeated> {
        let decided = &self.part(key).decided;
        let deadline = Instant::now() + receipt.unwrap_or(PATIENCE);
        loop {
            let change = decided.notified();
            let repeated = match self.try_claim(key, content) {
                Ok(claim) => return Ok(claim),
                Err(Found::Same(State::Begun)) => Repeated::UnderWay,
                Err(Found::Same(_)) if receipt.is_none() => return Err(Repeated::Taken),
                Err(Found::Same(State::Collecting)) => Repeated::Unanswered,
                Err(Found::Same(State::Done)) => {
                    let answer = self.answers.lock().get(key);
                    return Err(answer.map_or(Repeated::Unanswered, Repeated::Answered));
                }
                Err(_) => return Err(Repeated::OtherContent),
            };
            if timeout_at(deadline, change).await.is_err() {
                return Err(repeated);
            }
        }
    }

    /// How many ids are known.
    pub(crate) fn known(&self) -> usize {
        self.parts.iter().map(|part| part.table.lock().known()).sum()
    }

    /// How many can be known.
    pub(crate) fn most(&self) -> usize {
        self.parts.iter().map(|part| part.table.lock().most()).sum()
    }

    fn try_claim(&self, key: Key, content: u64) -> Result<Claim<'_>, Found> {
        let found = self.part(key).table.lock().claim(key, content, self.now());
        match found {
            Found::Fresh { forgot } => self.forgotten.inc_by(u64::from(forgot)),
            // Not remembered, and therefore forgotten at once.
            Found::NoRoom => self.forgotten.inc(),
            Found::Same(_) | Found::Other => return Err(found),
        }
        Ok(Claim { dedupe: self, key, is_open: true })
    }

    fn settle(&self, key: Key, state: State) {
        let part = self.part(key);
        // The second in which it was taken counts as a whole one.
        let until = |now: u32| now + WINDOW.as_secs() as u32 + 1;
        {
            let mut table = part.table.lock();
            // Read while it is locked, so that the queue is in order.
            table.settle(key, state, until(self.now()));
        }
        part.decided.notify_waiters();
    }

    fn part(&self, key: Key) -> &Part {
        &self.parts[self.hasher.hash_one(key) as usize % PARTS]
    }

    fn now(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_secs()).unwrap_or(u32::MAX / 2)
    }
}

/// An id that was taken for a push. Dropping it gives the id back, because the push was not
/// forwarded and may be tried again.
#[derive(Debug)]
pub(crate) struct Claim<'a> {
    dedupe: &'a Dedupe,
    key: Key,
    is_open: bool,
}

impl<'a> Claim<'a> {
    /// The push is on its way: its id stays taken.
    pub(crate) fn keep(mut self) {
        self.is_open = false;
        self.dedupe.settle(self.key, State::Done);
    }

    /// The same, and its receipt is waited for.
    pub(crate) fn keep_collecting(mut self) -> Collecting<'a> {
        self.is_open = false;
        self.dedupe.settle(self.key, State::Collecting);
        Collecting { dedupe: self.dedupe, key: self.key }
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        if self.is_open {
            let part = self.dedupe.part(self.key);
            part.table.lock().give_back(self.key);
            part.decided.notify_waiters();
        }
    }
}

/// A push whose receipt is waited for. Dropping it says that there will be none.
#[derive(Debug)]
pub(crate) struct Collecting<'a> {
    dedupe: &'a Dedupe,
    key: Key,
}

impl Collecting<'_> {
    /// This was answered; who asks again is given the same.
    pub(crate) fn answered(self, answer: Bytes) {
        let now = self.dedupe.now();
        let until = now + WINDOW.as_secs() as u32 + 1;
        self.dedupe.answers.lock().keep(self.key, answer, now, until);
    }
}

impl Drop for Collecting<'_> {
    fn drop(&mut self) {
        self.dedupe.settle(self.key, State::Done);
    }
}

#[cfg(test)]
mod tests;
