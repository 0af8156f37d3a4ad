//! Serves the sockets that are ready: sends opening bytes, reads what came, ends what is over.

use std::io::{self, Read, Write};

use client::{Effect, Rules, Session, State};
use mio::event::Event;
use protocol::clock;

use super::{
    entry::Entry,
    hearing::{Heard, Hearing, Of, WayUp},
    state::Worker,
};
use crate::session::{failure::Failure, opening::Begun};

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
        let Self { sessions, assignment, places, openings, .. } = self;
        let entry = &mut sessions[place];
        let (address, target) = places.target(assignment, entry.number);
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
        let heard = self.hear_out(place, received);
        let Heard { is_held, ended, parting, inside, letters, asks_again } = heard;
        // Nothing that comes behind a bye would keep it here.
        if let Some(parting) = parting.filter(|_| is_held) {
            return self.recall(place, parting);
        }
        if let Some(failure) = ended {
            return self.close(place, failure, is_held);
        }
        for words in inside {
            if !self.say(place, &words) {
                return;
            }
        }
        if asks_again {
            self.poll_again(place);
        }
        letters.into_iter().for_each(|letter| self.post(place, letter));
    }

    /// Tells it that, and counts what it says to that.
    fn hear_out(&mut self, place: usize, received: Received<'_>) -> Heard {
        let (mut hearing, session, rules, scratch) = self.listen_to(place);
        let mut effects = |effect: Effect<'_>| hearing.take(effect);
        match received {
            Received::Nothing => session.on_connected(rules, &mut effects),
            Received::Scratch(length) => {
                session.on_bytes(&scratch[..length], rules, &mut effects);
            }
            Received::Inside(said) => session.on_bytes(said, rules, &mut effects),
        }
        hearing.heard
    }

    /// Who hears a session, the session, and what its rules and the room for what is read are.
    fn listen_to(&mut self, place: usize) -> (Hearing<'_>, &mut Session, &Rules, &[u8]) {
        let is_inside = self.secured.has(place);
        let Self { sessions, tally, opening, rules, scratch, book, roll_call, posts, .. } = self;
        let Entry { stream, session, due, number } = &mut sessions[place];
        let of = Of {
            number: *number,
            turn: (*number - self.assignment.first) as usize,
            due: *due,
            now: clock::micros_since_epoch(),
            way_up: match session.has_way_up() {
                true if is_inside => WayUp::Inside,
                true => WayUp::Own,
                false => WayUp::Posts,
            },
            returns: self.assignment.returns.is_some(),
        };
        let heard = Heard { is_held: session.state() == State::Live, ..Heard::default() };
        let hearing = Hearing { tally, opening, book, roll_call, posts, stream, of, heard };
        (hearing, session, rules, scratch)
    }

    /// Asks for what is new. The request is a kilobyte at most, and the one before has been answered.
    fn poll_again(&mut self, place: usize) {
        let Entry { session, number, .. } = &mut self.sessions[place];
        let (number, seen, wait) = (*number, session.ask_again(), self.assignment.poll_wait.any());
        let Some(name) = self.posts.name((number - self.assignment.first) as usize) else {
            return self.end(place, Failure::Protocol("an answer that names no session".into()));
        };
        let (address, target) = self.places.target(&self.assignment, number);
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
