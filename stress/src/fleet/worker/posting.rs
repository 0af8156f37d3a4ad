//! Posts what sessions say that have no other way to say it.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::Token;
use socket2::SockRef;

use super::{
    posts::{Letter, Post, Sender},
    roll_call::RollCall,
    state::Worker,
};
use crate::session::{failure::Failure, opening::Begun, request::Request, socket, stream::Stream};

/// The first token of their sockets; those of sessions are below.
pub(super) const POSTS: usize = 1 << 40;

impl Worker {
    /// Posts frames for a session, as soon as there is room. One that its server has no name for says
    /// nothing, and stays without an answer.
    pub(super) fn post(&mut self, place: usize, frames: Vec<u8>) {
        if let (Some(entry), Ok(frames)) = (self.sessions.get(place), String::from_utf8(frames)) {
            let sender = (place, entry.number);
            self.posts.take(Letter { sender, frames }, self.sessions.len());
        }
        self.begin_posts();
    }

    /// Begins what there is room for.
    pub(super) fn begin_posts(&mut self) {
        while let Some(Letter { sender, frames }) = self.posts.next() {
            if let Err(error) = self.begin_post(sender, &frames) {
                self.on_post_failed(sender, of_error(&error));
            }
        }
    }

    fn begin_post(&mut self, sender: Sender, frames: &str) -> io::Result<()> {
        let number = sender.1;
        let name = self.posts.name((number - self.assignment.first) as usize);
        let Some(name) = name.filter(|_| self.is_there(sender)) else { return Ok(()) };
        let (address, target) = self.places.target(&self.assignment, number);
        let begun = Begun { number, target, port: address.port(), name };
        let request = self.openings.post(begun, frames);
        let peer = self.secured.peer(target).map_err(|why| io::Error::other(why.to_string()))?;
        let socket = socket::connect(address, self.assignment.source(number), None)?;
        // Nothing follows the answer, and others would miss a port that waits after it.
        SockRef::from(&socket).set_linger(Some(Duration::ZERO))?;
        let token = Token(POSTS + self.posts.vacant());
        let stream = Stream::new(socket, peer.as_ref(), self.poll.registry(), token)?;
        let request = Request::begin(stream, request.as_bytes())?;
        self.posts.begin(Post { sender, request, begun: Instant::now() });
        Ok(())
    }

    fn is_there(&self, (place, number): Sender) -> bool {
        self.sessions.get(place).is_some_and(|entry| entry.number == number)
    }

    /// The socket of a request has something to say.
    pub(super) fn on_post_ready(&mut self, token: Token) {
        let Some((sender, answer)) = self.posts.on_ready(token.0 - POSTS) else { return };
        match answer {
            Ok(200..=299) => {}
            Ok(status) => self.on_post_failed(sender, Failure::PostStatus(status)),
            Err(error) => self.on_post_failed(sender, of_error(&error)),
        }
        self.begin_posts();
    }

    /// Who was to ask whether the server is there cannot be answered any more; of others the server will
    /// notice by itself that they are silent.
    fn on_post_failed(&mut self, sender: Sender, failure: Failure) {
        if self.is_there(sender) && self.sessions[sender.0].session.is_asked() {
            self.roll_call.iter_mut().for_each(RollCall::on_answered);
            self.end(sender.0, failure);
        }
    }
}

fn of_error(error: &io::Error) -> Failure {
    match error.raw_os_error() {
        Some(errno) => Failure::PostSocket(errno),
        None => Failure::Protocol(format!("no answer to a frame that was posted: {error}")),
    }
}
