//! Opens the worker's sessions, each with a deadline, and gives up on those that take too long.

use std::io;

use client::{Session, State};
use mio::{Interest, Token};
use protocol::clock;

use super::{
    entry::Entry,
    state::Worker,
    waves::{Begun, Coming, Verdict},
};
use crate::session::{failure::Failure, socket};

impl Worker {
    /// Begins what is due.
    pub(super) fn open_due(&mut self) {
        while let Some(Begun { number, due }) = self.opening.begin() {
            let started = clock::micros_since_epoch();
            self.opening.coming(number).arrivals(&mut self.tally).span.add(started);
            if let Err(error) = self.open(number, due, started) {
                let errno = error.raw_os_error().unwrap_or_default();
                self.on_not_opened(number, due, Failure::Socket(State::Connecting, errno));
            }
        }
    }

    fn open(&mut self, number: u32, due: u64, started: u64) -> io::Result<()> {
        let (address, target) = self.places.target(&self.assignment, number);
        let source = self.assignment.source(number);
        // Towards another server the port that was chosen for it may be another session's.
        let port = match self.places.has_moved(&self.assignment, number) {
            true => None,
            false => self.assignment.port(number),
        };
        let mut stream = socket::connect(address, source, port)?;
        let slot = self.sessions.vacant_entry();
        let place = slot.key();
        self.secured.forget(place);
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(place), interest)?;
        let session = Session::new(target.transport);
        slot.insert(Entry { stream, session, number, due });
        self.deadlines.push_back((place, number, started));
        Ok(())
    }

    /// A session could not be opened; it is tried again or has failed.
    pub(super) fn on_not_opened(&mut self, number: u32, due: u64, failure: Failure) {
        let coming = self.opening.coming(number);
        if coming == Coming::Recalled {
            self.places.move_on(&self.assignment, number);
        }
        match self.opening.on_failed(number, due, &failure) {
            Verdict::Again => coming.arrivals(&mut self.tally).retried.add(failure, 1),
            Verdict::Failed => {
                self.tally.recalls.failed += u64::from(coming == Coming::Recalled);
                self.tally.failures.add(failure, 1);
            }
        }
    }

    /// Gives up on handshakes that take too long, and on the wave at its end.
    pub(super) fn expire(&mut self) {
        let now = clock::micros_since_epoch();
        for failure in self.opening.expire(now) {
            self.tally.failures.add(failure, 1);
        }
        let limit = self.assignment.connect_timeout.as_micros() as u64;
        while let Some(&(place, number, started)) = self.deadlines.front() {
            let entry = self.sessions.get(place).filter(|entry| entry.number == number);
            let opening = entry.filter(|entry| entry.session.state() < State::Live);
            match opening.map(|entry| entry.session.state()) {
                Some(_) if now < self.opening.until().min(started + limit) => return,
                Some(state) => self.end(place, Failure::Timeout(state)),
                None => {}
            }
            self.deadlines.pop_front();
        }
    }
}
