//! The other side of a session that is asked by requests: the one that waits, and how far they have come.

use std::net::SocketAddr;

use super::reply::{Reply, Said};
use crate::{
    directory::polls::Owner, handover::records::PollerRecord, http::client_address::ClientAddress,
};

/// What a request asks for by how far its client has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// What comes after the last answer, which the client has.
    Next,
    /// The last answer once more.
    Again,
    /// There was no such answer, or it is long gone.
    Unknown,
}

/// A client that asks.
pub(super) struct Poller {
    /// Whose session it is.
    pub(super) owner: Owner,
    /// The request that waits, if one does.
    held: Option<Reply>,
    /// How many answers there were.
    answers: u32,
    /// Whether the connection of the last request ended while that waited.
    pub(super) has_left: bool,
    /// Where the last request came from.
    peer: Option<ClientAddress>,
}

impl Poller {
    /// One that has not asked yet.
    pub(super) fn new(owner: Owner) -> Self {
        Self { owner, held: None, answers: 0, has_left: false, peer: None }
    }

    /// One that another process has served so far.
    pub(super) fn resumed(owner: Owner, record: &PollerRecord) -> Self {
        let PollerRecord { answers, has_left, peer, .. } = *record;
        let peer = peer.map(ClientAddress::from);
        Self { owner, held: None, answers, has_left, peer }
    }

    /// As it is given to the next process.
    pub(super) fn record(&self) -> PollerRecord {
        let held = self.held.as_ref().filter(|held| held.is_wanted());
        PollerRecord {
            answers: self.answers,
            has_left: self.has_left,
            peer: self.peer().map(SocketAddr::from),
            ticket: held.map(Reply::ticket),
        }
    }

    /// What a request asks for whose client has seen so many answers; `is_kept` says whether the frames of the
    /// last one still are.
    pub(super) fn asked(&self, seen: u32, is_kept: bool) -> Asked {
        match self.answers.checked_sub(seen) {
            Some(0) => Asked::Next,
            Some(1) if is_kept => Asked::Again,
            // What it held was given up since.
            Some(1) => Asked::Next,
            _ => Asked::Unknown,
        }
    }

    /// Holds a request, and ends the one that waited, which it follows.
    pub(super) fn hold(&mut self, reply: Reply) {
        self.has_left = false;
        if let Some(older) = self.held.replace(reply) {
            older.give(Ok(Said::Nothing));
        }
    }

    /// Takes note that the client of the request that waits may be gone; whether it is.
    pub(super) fn note_left(&mut self) -> bool {
        let is_left = self.held.as_ref().is_some_and(|held| !held.is_wanted());
        if is_left {
            self.held = None;
            self.has_left = true;
        }
        is_left
    }

    /// Takes note of where a request came from, where that is known.
    pub(super) fn seen_at(&mut self, peer: Option<ClientAddress>) {
        self.peer = peer.or(self.peer);
    }

    /// Where the last request came from.
    pub(super) fn peer(&self) -> Option<ClientAddress> {
        self.peer
    }

    /// Whether a request waits.
    pub(super) fn is_waiting(&self) -> bool {
        self.held.as_ref().is_some_and(Reply::is_wanted)
    }

    /// The request that waits, to be answered.
    pub(super) fn take_held(&mut self) -> Option<Reply> {
        self.held.take().filter(Reply::is_wanted)
    }

    /// The number of the answer that is given now.
    pub(super) fn next_answer(&mut self) -> u32 {
        self.answers += 1;
        self.answers
    }

    /// The number of the last answer.
    pub(super) fn last_answer(&self) -> u32 {
        self.answers
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use protocol::{UserId, problem::Problem};

    use super::*;
    use crate::{directory::polls::Polls, session::reply::Answer};

    fn poller() -> Poller {
        let user = UserId::new("u").expect("a user");
        Poller::new(Polls::<()>::default().owner(&user, None))
    }

    fn gone() -> Problem {
        Problem::new(410, "Gone", "gone")
    }

    #[test]
    fn one_fits_into_a_size_class_of_the_allocator() {
        assert!(size_of::<Poller>() <= 64, "{}", size_of::<Poller>());
    }

    #[test]
    fn an_answer_stays_until_it_was_seen() {
        let mut poller = poller();
        let asked = |poller: &Poller, seen| poller.asked(seen, true);
        assert_eq!((asked(&poller, 0), asked(&poller, 1)), (Asked::Next, Asked::Unknown));
        assert_eq!(poller.next_answer(), 1);
        assert_eq!((asked(&poller, 0), asked(&poller, 1)), (Asked::Again, Asked::Next));
        assert_eq!(poller.asked(0, false), Asked::Next, "what it held is gone");
        assert_eq!((poller.next_answer(), poller.last_answer()), (2, 2));
        assert_eq!((asked(&poller, 0), asked(&poller, 3)), (Asked::Unknown, Asked::Unknown));
    }

    #[test]
    fn a_second_request_ends_the_first() {
        let [first, second] = [(); 2].map(|()| Answer::new(Waker::noop().clone()));
        let mut poller = poller();
        poller.hold(Reply::new(&first, gone));
        poller.hold(Reply::new(&second, gone));
        assert_eq!((first.take(), second.take()), (Some(Ok(Said::Nothing)), None));
        assert!(poller.is_waiting());
        drop(second);
        assert!(!poller.is_waiting() && poller.note_left() && poller.has_left);
        assert!(!poller.note_left() && poller.take_held().is_none());
    }
}
