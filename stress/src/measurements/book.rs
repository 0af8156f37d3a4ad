//! What each session of a worker has received, as far as it takes to prove the next message.

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
}

impl Book {
    /// For so many sessions of a run, from this number on.
    pub(crate) fn new(run: u32, first: u32, count: usize) -> Self {
        Self { run, first, count, own: Vec::new(), everybody: Vec::new() }
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
        sequence.map_or(Verdict::Misdirected, |sequence| sequence.take(proof.number))
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
}
