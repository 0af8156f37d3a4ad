//! Requests that carry what sessions say whose own connections have no way up: each on a connection of its
//! own, since gateways answer one each, and a bounded number at once.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    num::NonZero,
    time::{Duration, Instant},
};

use certificates::Cause;
use client::response::{Head, ROOM};
use mio::net::TcpStream;
use protocol::SessionId;
use slab::Slab;

use crate::session::tls::Tls;

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
    sender: Sender,
    stream: TcpStream,
    tls: Option<Box<Tls>>,
    request: String,
    /// What is still to be sent.
    unsent: Vec<u8>,
    received: Vec<u8>,
    begun: Instant,
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
        let answer = self.under_way.get_mut(place)?.advance().transpose()?;
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

impl Post {
    /// A request whose connection has begun to open.
    ///
    /// # Errors
    /// There is no TLS for it.
    pub(super) fn new(
        sender: Sender,
        stream: TcpStream,
        request: String,
        mut tls: Option<Box<Tls>>,
    ) -> io::Result<Self> {
        let mut unsent = Vec::new();
        match &mut tls {
            Some(tls) => tls.begin(&mut unsent).map_err(no_tls)?,
            None => unsent.extend_from_slice(request.as_bytes()),
        }
        let (received, begun) = (Vec::new(), Instant::now());
        Ok(Self { sender, stream, tls, request, unsent, received, begun })
    }

    /// Sends and receives what is possible: the status, once it is there.
    fn advance(&mut self) -> io::Result<Option<u16>> {
        match self.try_advance() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            other => other,
        }
    }

    fn try_advance(&mut self) -> io::Result<Option<u16>> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(None),
            other => other?,
        };
        self.send()?;
        let mut chunk = [0; 4096];
        loop {
            match self.stream.read(&mut chunk)? {
                0 => return Err(io::ErrorKind::ConnectionReset.into()),
                length => self.take(&mut chunk[..length])?,
            }
            self.send()?;
            let mut room = ROOM;
            match Head::read(&self.received, &mut room) {
                Ok(None) => {}
                Ok(Some(head)) => return Ok(Some(head.status)),
                Err(problem) => return Err(io::Error::other(problem)),
            }
        }
    }
}

impl Post {
    fn send(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            let sent = self.stream.write(&self.unsent)?;
            self.unsent.drain(..sent);
        }
        Ok(())
    }

    fn take(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        let Self { tls, request, unsent, received, .. } = self;
        let Some(tls) = tls else {
            received.extend_from_slice(bytes);
            return Ok(());
        };
        if tls.receive(bytes, received, unsent).map_err(no_tls)?.is_new {
            tls.say(request.as_bytes(), unsent).map_err(no_tls)?;
        }
        Ok(())
    }
}

fn no_tls(cause: Cause) -> io::Error {
    io::Error::other(format!("TLS: {cause}"))
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
