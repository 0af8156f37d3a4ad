//! What each session of a worker has received, as far as it takes to prove the next message.

use std::collections::BTreeMap;

use super::{proofs::Verdict, sequence::Sequence};
use crate::session::stamp::Stamp;

/// The sequences of a worker's sessions. There is none before the first message, since idle sessions
/// must cost nothing.
pub(crate) struct Book {
    run: u32,
    first: u32,
    count: usize,
    /// Of messages to single users.
    own: Vec<Sequence>,
    /// Of messages to everybody.
    everybody: Vec<Sequence>,
    /// Messages to single users that were away.
    missed: u64,
}

impl Book {
    /// For so many sessions of a run, from this number on.
    pub(crate) fn new(run: u32, first: u32, count: usize) -> Self {
        Self { run, first, count, own: Vec::new(), everybody: Vec::new(), missed: 0 }
    }

    /// A session goes away for a while: it cannot get what is for it until it is back.
    pub(crate) fn on_away(&mut self, session: u32) {
        if self.own.is_empty() {
            self.own.resize(self.count, Sequence::default());
        }
        let place = session.checked_sub(self.first).map(|place| place as usize);
        let sequence = place.and_then(|place| self.own.get_mut(place));
        sequence.into_iter().for_each(Sequence::leave);
    }

    /// How many messages were for sessions that were away, as far as later ones show it.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// Sessions to which nothing has come since they went away: the number of the last message that had.
    pub(crate) fn unheard(&self) -> BTreeMap<u32, u32> {
        let sessions = (self.first..).zip(&self.own);
        sessions.filter_map(|(session, sequence)| Some((session, sequence.left_at()?))).collect()
    }

    /// What a message is that has reached this session.
    pub(crate) fn judge(&mut self, session: u32, stamp: Option<&Stamp>) -> Verdict {
        let Some(proof) = stamp.and_then(|stamp| stamp.proof).filter(|it| it.run == self.run)
        else {
            return Verdict::Foreign;
        };
        let sequences = match proof.user {
            Some(user) if user != session => return Verdict::Misdirected,
            Some(_) => &mut self.own,
            None => &mut self.everybody,
        };
        if sequences.is_empty() {
            sequences.resize(self.count, Sequence::default());
        }
        let place = session.checked_sub(self.first).map(|place| place as usize);
        let sequence = place.and_then(|place| sequences.get_mut(place));
        let Some(sequence) = sequence else { return Verdict::Misdirected };
        self.missed += u64::from(sequence.missed_before(proof.number));
        sequence.take(proof.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::stamp::Proof;

    #[test]
    fn messages_are_judged_by_run_user_and_sequence() {
        let mut book = Book::new(9, 10, 5);
        let mut judge = |session, run, user, number| {
            let proof = Some(Proof { run, user, number });
            let stamp = Stamp { due: 1, phase: None, is_broadcast: user.is_none(), proof };
            book.judge(session, Some(&stamp))
        };
        assert_eq!(judge(12, 9, Some(12), 1), Verdict::Proved);
        assert_eq!(judge(12, 9, Some(12), 1), Verdict::Doubled);
        assert_eq!(judge(12, 9, Some(13), 1), Verdict::Misdirected);
        assert_eq!(judge(13, 9, Some(13), 2), Verdict::Proved);
        assert_eq!(judge(13, 9, Some(13), 1), Verdict::Late);
        // Messages to everybody have a sequence of their own.
        assert_eq!(judge(12, 9, None, 1), Verdict::Proved);
        assert_eq!(judge(12, 8, Some(12), 1), Verdict::Foreign);
        assert_eq!(book.judge(12, None), Verdict::Foreign);
    }

    #[test]
    fn what_comes_to_nobody_is_counted_as_missed() {
        let mut book = Book::new(9, 10, 5);
        let judge = |book: &mut Book, user, number| {
            let proof = Some(Proof { run: 9, user: Some(user), number });
            let stamp = Stamp { due: 1, phase: None, is_broadcast: false, proof };
            book.judge(user, Some(&stamp))
        };
        book.on_away(11);
        book.on_away(12);
        assert_eq!(judge(&mut book, 12, 4), Verdict::Proved);
        assert_eq!((book.missed(), book.unheard()), (3, [(11, 0)].into()));
        book.on_away(12);
        assert_eq!(book.unheard(), [(11, 0), (12, 4)].into());
    }
}
