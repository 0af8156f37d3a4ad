//! Serves the sockets that are ready: sends opening bytes, reads what came, ends what is over.

use std::io::{self, Read, Write};

use client::{Effect, Kind, State, scan};
use mio::event::Event;
use protocol::clock;

use super::{entry::Entry, roll_call::RollCall, state::Worker};
use crate::session::{failure::Failure, opening::Begun, stamp::stamp};

/// What has come for a session.
enum Received<'a> {
    /// It is connected.
    Nothing,
    /// So many bytes, which stand in the room for what is read.
    Scratch(usize),
    /// This, inside TLS.
    Inside(&'a [u8]),
}

impl Worker {
    /// A socket has something to say. Events are edge-triggered: what is not read now is not
    /// announced again.
    pub(super) fn on_ready(&mut self, event: &Event) {
        let place = event.token().0;
        let Some(entry) = self.sessions.get(place) else { return };
        let is_new = entry.session.state() == State::Connecting && !self.secured.has(place);
        if is_new && !self.on_connected(place) {
            return;
        }
        if event.is_readable() || event.is_error() {
            self.read(place, event.is_read_closed() || event.is_error());
        }
    }

    /// Sends the opening bytes, a kilobyte at most, which an empty socket takes whole. A connect
    /// that failed shows here as well.
    fn on_connected(&mut self, place: usize) -> bool {
        let Self { sessions, assignment, openings, .. } = self;
        let entry = &mut sessions[place];
        let (address, target) = assignment.target(entry.number);
        if target.tls_name.is_some() {
            return self.begin_tls(place);
        }
        let opening = openings.bytes(entry.number, target, address.port());
        match entry.stream.write(opening.as_bytes()) {
            Ok(sent) if sent == opening.len() => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Ok(_) => {
                self.end(place, Failure::Protocol("no room for a request".into()));
                return false;
            }
            Err(error) => {
                self.end(place, socket_failure(State::Connecting, &error));
                return false;
            }
        }
        self.begin_session(place);
        true
    }

    /// What a session begins with is on its way.
    pub(super) fn begin_session(&mut self, place: usize) {
        self.tell(place, Received::Nothing);
    }

    /// This was said to a session inside TLS.
    pub(super) fn hear(&mut self, place: usize, said: &[u8]) {
        self.tell(place, Received::Inside(said));
    }

    /// Reads until the socket is empty; a short read proves that, unless its end has come.
    fn read(&mut self, place: usize, to_the_end: bool) {
        while let Some(entry) = self.sessions.get_mut(place) {
            let state = entry.session.state();
            match entry.stream.read(&mut self.scratch) {
                Ok(0) => self.end(place, Failure::Eof(state)),
                Ok(length) => {
                    match self.secured.has(place) {
                        true => self.on_encrypted(place, length),
                        false => self.tell(place, Received::Scratch(length)),
                    }
                    if length < self.scratch.len() && !to_the_end {
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => self.end(place, socket_failure(state, &error)),
            }
        }
    }

    /// Tells the session that it is connected, or what has arrived, and does what it asks for.
    fn tell(&mut self, place: usize, received: Received<'_>) {
        let is_inside = self.secured.has(place);
        let Self { sessions, tally, opening, rules, scratch, book, roll_call, posts, .. } = self;
        let Entry { stream, session, due, number } = &mut sessions[place];
        let now = clock::micros_since_epoch();
        let mut held = session.state() == State::Live;
        let (mut ended, mut letters, mut again) = (None, Vec::new(), false);
        let mut inside = Vec::new();
        let has_way_up = session.has_way_up();
        let turn = (*number - self.assignment.first) as usize;
        let mut effects = |effect: Effect<'_>| match effect {
            Effect::Held => {
                held = true;
                match opening.is_returning() {
                    true => tally.returns.on_held(*due, now),
                    false => tally.arrivals.on_held(*due, now),
                }
                opening.on_held(*number);
            }
            Effect::Frame(Kind::Message, message) => {
                let stamp = stamp(message);
                tally.on_message(stamp, book.judge(*number, stamp.as_ref()), now);
            }
            Effect::Frame(Kind::Error, _) => tally.refusals += 1,
            Effect::Frame(Kind::Hello, hello) if !has_way_up => {
                scan::session(hello).into_iter().for_each(|name| posts.learn(turn, name));
            }
            Effect::Frame(..) => {}
            Effect::Alive => {
                tally.answered += 1;
                roll_call.iter_mut().for_each(RollCall::on_answered);
            }
            Effect::Reply(bytes) if has_way_up && is_inside => inside.push(bytes),
            // A server that does not read its pongs, or not even the echo's message, will notice
            // by itself.
            Effect::Reply(bytes) if has_way_up => drop(stream.write(&bytes)),
            Effect::Reply(bytes) => letters.push(bytes),
            Effect::Again(name) => {
                name.into_iter().for_each(|name| posts.learn(turn, name));
                again = true;
            }
            Effect::Ended(ending) => ended = Some(ending.into()),
        };
        match received {
            Received::Nothing => session.on_connected(rules, &mut effects),
            Received::Scratch(length) => {
                session.on_bytes(&scratch[..length], rules, &mut effects);
            }
            Received::Inside(said) => session.on_bytes(said, rules, &mut effects),
        }
        if let Some(failure) = ended {
            return self.close(place, failure, held);
        }
        for words in inside {
            if !self.say(place, &words) {
                return;
            }
        }
        if again {
            self.poll_again(place);
        }
        letters.into_iter().for_each(|letter| self.post(place, letter));
    }

    /// Asks for what is new. The request is a kilobyte at most, and the one before has been answered.
    fn poll_again(&mut self, place: usize) {
        let Entry { session, number, .. } = &mut self.sessions[place];
        let (number, seen, wait) = (*number, session.ask_again(), self.assignment.poll_wait.any());
        let Some(name) = self.posts.name((number - self.assignment.first) as usize) else {
            return self.end(place, Failure::Protocol("an answer that names no session".into()));
        };
        let (address, target) = self.assignment.target(number);
        let begun = Begun { number, target, port: address.port(), name };
        let request = self.openings.poll(begun, seen, wait);
        if self.secured.has(place) {
            self.say(place, request.as_bytes());
            return;
        }
        match self.sessions[place].stream.write(request.as_bytes()) {
            Ok(sent) if sent == request.len() => {}
            Ok(_) => self.end(place, Failure::Protocol("no room for a request".into())),
            Err(error) => self.end(place, socket_failure(State::Live, &error)),
        }
    }

    /// Ends a session whose state is still what it was.
    pub(super) fn end(&mut self, place: usize, failure: Failure) {
        let held = self.sessions[place].session.state() == State::Live;
        self.close(place, failure, held);
    }

    fn close(&mut self, place: usize, failure: Failure, held: bool) {
        let entry = self.sessions.remove(place);
        self.secured.forget(place);
        if held {
            self.tally.losses.add(failure, 1);
        } else {
            self.on_not_opened(entry.number, entry.due, failure);
        }
    }
}

fn socket_failure(state: State, error: &io::Error) -> Failure {
    Failure::Socket(state, error.raw_os_error().unwrap_or_default())
}
