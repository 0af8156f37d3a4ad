//! What a session says of itself: each effect is counted at once, and what has to be done about it waits until
//! nothing of the session is in use any more.

use std::io::Write;

use client::{Effect, Kind, scan};
use mio::net::TcpStream;

use super::{posts::Posts, returns::Parting, roll_call::RollCall, waves::Opening};
use crate::{
    measurements::{book::Book, tally::Tally},
    session::{failure::Failure, stamp::stamp},
};

/// A session that is heard, and what its worker counts meanwhile.
pub(super) struct Hearing<'a> {
    pub(super) tally: &'a mut Tally,
    pub(super) opening: &'a mut Opening,
    pub(super) book: &'a mut Book,
    pub(super) roll_call: &'a mut Option<RollCall>,
    pub(super) posts: &'a mut Posts,
    pub(super) stream: &'a mut TcpStream,
    pub(super) of: Of,
    pub(super) heard: Heard,
}

/// Which session it is, and when.
pub(super) struct Of {
    pub(super) number: u32,
    /// Its turn in the worker's share.
    pub(super) turn: usize,
    /// When it was due, in microseconds since the epoch.
    pub(super) due: u64,
    /// The time, likewise.
    pub(super) now: u64,
    pub(super) way_up: WayUp,
    /// Whether it comes back if it is asked to.
    pub(super) returns: bool,
}

/// How what a session says gets to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WayUp {
    /// Over its own connection.
    Own,
    /// Over its own connection, inside TLS.
    Inside,
    /// By requests.
    Posts,
}

/// What is left to be done about what was heard.
#[derive(Default)]
pub(super) struct Heard {
    /// Whether the session is open, or was before it ended.
    pub(super) is_held: bool,
    pub(super) ended: Option<Failure>,
    /// How its server has asked it to come back, where it does.
    pub(super) parting: Option<Parting>,
    /// To be said inside TLS.
    pub(super) inside: Vec<Vec<u8>>,
    /// To be posted.
    pub(super) letters: Vec<Vec<u8>>,
    /// Whether a poll has been answered.
    pub(super) asks_again: bool,
}

impl Hearing<'_> {
    /// Takes one effect.
    pub(super) fn take(&mut self, effect: Effect<'_>) {
        match effect {
            Effect::Held => self.on_held(),
            Effect::Frame(kind, frame) => self.on_frame(kind, frame),
            Effect::Alive => {
                self.tally.answered += 1;
                self.roll_call.iter_mut().for_each(RollCall::on_answered);
            }
            Effect::Reply(bytes) => self.on_reply(bytes),
            Effect::Again(name) => {
                name.into_iter().for_each(|name| self.posts.learn(self.of.turn, name));
                self.heard.asks_again = true;
            }
            Effect::Ended(ending) => self.heard.ended = Some(ending.into()),
        }
    }

    fn on_held(&mut self) {
        self.heard.is_held = true;
        let coming = self.opening.on_held(self.of.number);
        coming.arrivals(self.tally).on_held(self.of.due, self.of.now);
    }

    fn on_frame(&mut self, kind: Kind, frame: &[u8]) {
        match kind {
            Kind::Message => {
                let stamp = stamp(frame);
                let verdict = self.book.judge(self.of.number, stamp.as_ref());
                self.tally.on_message(stamp, verdict, self.of.now);
            }
            Kind::Error => self.tally.refusals += 1,
            Kind::Hello if self.of.way_up == WayUp::Posts => {
                scan::session(frame)
                    .into_iter()
                    .for_each(|name| self.posts.learn(self.of.turn, name));
            }
            Kind::Bye if self.of.returns => {
                let parting = |after| Parting { after, reason: scan::reason(frame) };
                self.heard.parting = scan::retry(frame).map(parting);
            }
            _ => {}
        }
    }

    fn on_reply(&mut self, bytes: Vec<u8>) {
        match self.of.way_up {
            WayUp::Inside => self.heard.inside.push(bytes),
            // A server that does not read its pongs, or not even the echo's message, will notice
            // by itself.
            WayUp::Own => drop(self.stream.write(&bytes)),
            WayUp::Posts => self.heard.letters.push(bytes),
        }
    }
}
