//! A log of which a session has not everything: how far it is, and what waits for it to have.

use std::collections::VecDeque;

use protocol::kept::{From, Log, Place};

use crate::delivery::message::Push;

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The store is to be asked what is kept for the session.
    Begin,
    /// It was asked.
    Beginning,
    /// It is to be asked for more, once the client has taken what there was.
    Read,
    /// It was asked.
    Reading,
    /// It cannot be asked; what is not kept goes on.
    Away,
    /// It was read to its end, which live pushes of a topic may not have reached.
    Ahead,
}

/// A session on its way to have everything of a log.
pub(crate) struct Replay {
    pub(super) log: Log,
    pub(super) phase: Phase,
    /// Where it begins. For the user's log `Now` leaves that to the store.
    pub(super) from: From,
    /// How far the session is in the log of a topic. Of its user's log it knows elsewhere.
    pub(super) place: Option<Place>,
    /// What it is to be told behind its hello.
    pub(super) frames: Vec<Vec<u8>>,
    /// The question that was asked last.
    pub(super) question: u64,
    /// Whether the client knows that it begins.
    pub(super) announced: bool,
    /// Whether its client was told that the store could not be asked.
    pub(super) told_away: bool,
    /// How many messages have been replayed.
    pub(super) replayed: u64,
    /// Whether there was a kept push meanwhile that does not wait here.
    pub(super) behind: bool,
    pub(super) waiting: VecDeque<Push>,
    /// How many of them waited already when the store was asked: those that are kept are in its answer.
    asked_behind: usize,
    pub(super) bytes: usize,
    /// Whether live pushes were given up.
    pub(super) lost: bool,
}

impl Replay {
    /// A session comes, or subscribes.
    pub(super) fn new(log: Log, from: From) -> Self {
        Self {
            log,
            phase: Phase::Begin,
            from,
            place: None,
            frames: Vec::new(),
            question: 0,
            announced: false,
            told_away: false,
            replayed: 0,
            behind: false,
            waiting: VecDeque::new(),
            asked_behind: 0,
            bytes: 0,
            lost: false,
        }
    }

    /// The same while the store cannot be asked, of which the client was told.
    pub(super) fn away(log: Log, from: From) -> Self {
        Self { phase: Phase::Away, announced: true, told_away: true, ..Self::new(log, from) }
    }

    /// A session that was not told of a log when it came, but is told now that the store could not be asked.
    pub(super) fn late(log: Log) -> Self {
        Self { announced: true, told_away: true, ..Self::new(log, From::Now) }
    }

    /// The session, which has begun, has missed something.
    pub(super) fn behind(log: Log) -> Self {
        Self { phase: Phase::Read, announced: true, ..Self::new(log, From::Now) }
    }

    /// The session has the log of a topic up to here.
    pub(super) fn ahead(log: Log, place: Place) -> Self {
        let announced = true;
        Self { phase: Phase::Ahead, place: Some(place), announced, ..Self::new(log, From::Now) }
    }

    /// Whether it is of a topic of which the client wants what comes from now on, and has nothing.
    pub(super) fn wants_nothing_older(&self) -> bool {
        matches!(self.log, Log::Topic(_)) && self.from == From::Now && self.place.is_none()
    }

    /// Whether live pushes wait.
    pub(super) fn holds_back(&self) -> bool {
        !matches!(self.phase, Phase::Away | Phase::Ahead)
    }

    /// The place before the first push of a log among those that wait.
    pub(super) fn before_first_of(&self, log: &Log) -> Option<Place> {
        let mut kept = self.waiting.iter().filter_map(|push| push.frame.kept());
        kept.find(|kept| kept.log == *log).map(|kept| kept.step.before)
    }

    /// Has a push of so many bytes wait, if no more than `limit` do. One that is kept will be read else; another is
    /// lost. Whether it waits.
    pub(super) fn wait(&mut self, push: &Push, bytes: usize, limit: usize) -> bool {
        let is_of_log = push.frame.kept().is_some_and(|kept| kept.log == self.log);
        match self.bytes + bytes <= limit {
            // Behind one that will be read again it would come too early.
            true if is_of_log && self.behind => {}
            true => {
                self.bytes += bytes;
                self.waiting.push_back(push.clone());
                return true;
            }
            false if is_of_log => self.behind = true,
            false => self.lost |= push.frame.kept().is_none(),
        }
        false
    }

    /// The store is asked for what the session does not have now: a question of this number.
    pub(super) fn asked(&mut self, next: Phase) -> u64 {
        self.phase = next;
        self.behind = false;
        self.asked_behind = self.waiting.len();
        self.question = fastrand::u64(..);
        self.question
    }

    /// The pushes that wait, but for those that the store has brought, and whether others were lost. None waits
    /// any longer.
    pub(super) fn release(&mut self) -> (VecDeque<Push>, bool) {
        let asked_behind = std::mem::take(&mut self.asked_behind);
        let mut waiting = std::mem::take(&mut self.waiting);
        let mut place = 0;
        waiting.retain(|push| {
            place += 1;
            let is_of_log = push.frame.kept().is_some_and(|kept| kept.log == self.log);
            !is_of_log || place > asked_behind
        });
        self.bytes = 0;
        (waiting, std::mem::take(&mut self.lost))
    }

    /// Bytes of the pushes that wait.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.bytes
    }

    /// How many pushes wait that are not kept.
    pub(crate) fn live(&self) -> usize {
        self.waiting.iter().filter(|push| push.frame.kept().is_none()).count()
    }

    /// The memory it takes beside the frames it shares.
    pub(crate) fn own_bytes(&self) -> usize {
        let frames: usize = self.frames.iter().map(Vec::capacity).sum();
        size_of::<Self>() + self.waiting.capacity() * size_of::<Push>() + frames
    }
}
