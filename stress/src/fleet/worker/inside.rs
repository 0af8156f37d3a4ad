//! Serves sessions inside TLS: shakes hands, hears what is said in records, and says things in them.

use std::io::{self, Write as _};

use client::State;
use mio::net::TcpStream;

use super::{
    secured::{NO_TLS, Secured},
    state::Worker,
};
use crate::session::{failure::Failure, tls::Told};

impl Worker {
    /// Begins TLS on a socket that is connected; whether it is, and the session goes on.
    pub(super) fn begin_tls(&mut self, place: usize) -> bool {
        match connected(&self.sessions[place].stream) {
            Ok(true) => {}
            Ok(false) => return false,
            Err(error) => {
                self.end(place, unwritten(State::Connecting, &Err(error)));
                return false;
            }
        }
        let (_, target) = self.places.target(&self.assignment, self.sessions[place].number);
        let begun = self.secured.connection(target).and_then(|tls| {
            let Some(tls) = tls else { return Err(NO_TLS) };
            self.secured.out.clear();
            let mut out = std::mem::take(&mut self.secured.out);
            let begun = self.secured.learn(place, tls).begin(&mut out);
            self.secured.out = out;
            begun
        });
        if let Err(cause) = begun {
            self.end(place, cause.into());
            return false;
        }
        match self.sessions[place].stream.write(&self.secured.out) {
            Ok(sent) if sent == self.secured.out.len() => true,
            written => {
                self.end(place, unwritten(State::Connecting, &written));
                false
            }
        }
    }

    /// So many bytes have come for a session inside TLS.
    pub(super) fn on_encrypted(&mut self, place: usize, length: usize) {
        let Secured { sessions, plain, out, .. } = &mut self.secured;
        let Some(Some(tls)) = sessions.get_mut(place) else { return };
        plain.clear();
        out.clear();
        let told = tls.receive(&mut self.scratch[..length], plain, out);
        let is_sent = self.send_encrypted(place);
        match told {
            Err(cause) => return self.end_if_there(place, cause.into()),
            Ok(Told { is_new: true, is_resumed }) if is_sent => {
                let coming = self.opening.coming(self.sessions[place].number);
                coming.arrivals(&mut self.tally).on_encrypted(is_resumed);
                self.open_inside(place);
            }
            Ok(_) => {}
        }
        let plain = std::mem::take(&mut self.secured.plain);
        if !plain.is_empty() && self.sessions.contains(place) {
            self.hear(place, &plain);
        }
        // Whoever heard it may have filled it anew: what is kept is the larger room.
        if plain.capacity() > self.secured.plain.capacity() {
            self.secured.plain = plain;
        }
    }

    /// The handshake is done: says what the session begins with.
    fn open_inside(&mut self, place: usize) {
        let number = self.sessions[place].number;
        let (address, target) = self.places.target(&self.assignment, number);
        let opening = self.openings.bytes(number, target, address.port());
        if self.say(place, opening.as_bytes()) {
            self.begin_session(place);
        }
    }

    /// Says something inside TLS. What does not go at once would have to wait, and nothing waits here: the
    /// session is over, and false is returned.
    pub(super) fn say(&mut self, place: usize, words: &[u8]) -> bool {
        let Secured { sessions, out, .. } = &mut self.secured;
        let Some(Some(tls)) = sessions.get_mut(place) else { return false };
        out.clear();
        match tls.say(words, out) {
            Ok(()) => self.send_encrypted(place),
            Err(cause) => {
                self.end_if_there(place, cause.into());
                false
            }
        }
    }

    fn send_encrypted(&mut self, place: usize) -> bool {
        if self.secured.out.is_empty() {
            return true;
        }
        let Some(entry) = self.sessions.get_mut(place) else { return false };
        match entry.stream.write(&self.secured.out) {
            Ok(sent) if sent == self.secured.out.len() => true,
            written => {
                let failure = unwritten(entry.session.state(), &written);
                self.end(place, failure);
                false
            }
        }
    }

    fn end_if_there(&mut self, place: usize, failure: Failure) {
        if self.sessions.contains(place) {
            self.end(place, failure);
        }
    }
}

/// Whether a connect is done, which is known before anything is made ready for it.
fn connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        other => other.map(|_| true),
    }
}

fn unwritten(state: State, written: &io::Result<usize>) -> Failure {
    match written {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
            Failure::Socket(state, error.raw_os_error().unwrap_or_default())
        }
        _ => Failure::Protocol("no room for what is said inside TLS".into()),
    }
}
