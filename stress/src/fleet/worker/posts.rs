//! Requests that carry what sessions say whose own connections have no way up: each on a connection of its
//! own, since gateways answer one each, and a bounded number at once.

use std::{
    collections::VecDeque,
    io,
    num::NonZero,
    time::{Duration, Instant},
};

use protocol::SessionId;
use slab::Slab;

use crate::session::request::Request;

/// Requests under way at once.
const MOST: usize = 512;
/// How long one may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How often those are looked for that take longer.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is posted, and what sessions are called there.
pub(super) struct Posts {
    /// By the session's turn in the worker's share. Empty where all sessions have a way up.
    names: Vec<Option<NonZero<u64>>>,
    under_way: Slab<Post>,
    waiting: VecDeque<Letter>,
    looked: Instant,
}

/// A session, by its place in the slab and its number.
pub(super) type Sender = (usize, u32);

/// Something that a session says.
pub(super) struct Letter {
    pub(super) sender: Sender,
    pub(super) frames: String,
}

/// A request that is under way.
pub(super) struct Post {
    pub(super) sender: Sender,
    pub(super) request: Request,
    pub(super) begun: Instant,
}

impl Posts {
    /// Nothing was said yet.
    pub(super) fn new() -> Self {
        let (names, under_way, waiting) = (Vec::new(), Slab::new(), VecDeque::new());
        Self { names, under_way, waiting, looked: Instant::now() }
    }

    /// The session of this turn is called so.
    pub(super) fn learn(&mut self, turn: usize, name: SessionId) {
        if self.names.len() <= turn {
            self.names.resize(turn + 1, None);
        }
        self.names[turn] = NonZero::new(name.0);
    }

    /// What the session of this turn is called.
    pub(super) fn name(&self, turn: usize) -> Option<SessionId> {
        let name = self.names.get(turn).copied().flatten();
        name.map(|name| SessionId(name.get()))
    }

    /// Whether some wait until others are done.
    pub(super) fn is_full(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes a letter, of so many sessions: each has its turn before one has another.
    pub(super) fn take(&mut self, letter: Letter, sessions: usize) {
        if self.waiting.len() < sessions {
            self.waiting.push_back(letter);
        }
    }

    /// The next letter, if there is room for its request.
    pub(super) fn next(&mut self) -> Option<Letter> {
        (self.under_way.len() < MOST).then(|| self.waiting.pop_front()).flatten()
    }

    /// Where the next request will be.
    pub(super) fn vacant(&self) -> usize {
        self.under_way.vacant_key()
    }

    /// A request is under way.
    pub(super) fn begin(&mut self, post: Post) {
        self.under_way.insert(post);
    }

    /// The socket of a request has something to say: who sent it and the status, once it is there, or why
    /// there is none.
    pub(super) fn on_ready(&mut self, place: usize) -> Option<(Sender, io::Result<u16>)> {
        let answer = self.under_way.get_mut(place)?.request.advance().transpose()?;
        Some((self.under_way.remove(place).sender, answer))
    }

    /// Gives up on requests that take too long: who hears nothing of a question is silent.
    pub(super) fn expire(&mut self) {
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            self.under_way.retain(|_, post| post.begun.elapsed() < WITHIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(number: u32) -> Letter {
        Letter { sender: (0, number), frames: String::new() }
    }

    #[test]
    fn sessions_are_known_by_their_turn() {
        let mut posts = Posts::new();
        assert_eq!(posts.name(7), None);
        posts.learn(7, SessionId(70));
        posts.learn(2, SessionId(20));
        assert_eq!(
            [2, 3, 7].map(|turn| posts.name(turn).map(|it| it.0)),
            [Some(20), None, Some(70)]
        );
    }

    #[test]
    fn no_more_wait_than_there_are_sessions() {
        let mut posts = Posts::new();
        (0..5).for_each(|number| posts.take(letter(number), 2));
        assert!(posts.is_full());
        let waited: Vec<_> = std::iter::from_fn(|| posts.next()).map(|it| it.sender.1).collect();
        assert_eq!((waited, posts.is_full()), (vec![0, 1], false));
    }
}
