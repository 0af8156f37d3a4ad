//! What a session says to a request that was brought to it, and where that is waited for.

use std::{sync::Arc, task::Waker};

use parking_lot::Mutex;
use protocol::problem::Problem;

use crate::runtime::reactor::Calls;

/// What there is to say when nothing was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// This JSON text.
    Json(Vec<u8>),
    /// This one, and there is nothing more to ask for.
    Last(Vec<u8>),
}

/// What a session says.
pub(crate) type Verdict = Result<Said, Problem>;

/// What a session has said to a request, once it has.
#[derive(Debug)]
pub(crate) struct Answer {
    said: Mutex<Option<Box<Verdict>>>,
    waiting: Waiting,
}

/// Who waits for an answer.
#[derive(Debug)]
enum Waiting {
    /// Who is in a seat of a thread, without a waker of its own.
    Seat(Arc<Calls>, u32),
    /// Anybody else.
    Waker(Waker),
}

impl Answer {
    /// Nothing yet; `waker` wakes who waits.
    pub(crate) fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self { said: Mutex::default(), waiting: Waiting::Waker(waker) })
    }

    /// Nothing yet; who waits is in a seat of a thread.
    pub(crate) fn for_seat(calls: &Arc<Calls>, seat: u32) -> Arc<Self> {
        let waiting = Waiting::Seat(Arc::clone(calls), seat);
        Arc::new(Self { said: Mutex::default(), waiting })
    }

    /// A number by which this answer and who owes it find each other in another process.
    pub(crate) fn ticket(self: &Arc<Self>) -> u64 {
        Arc::as_ptr(self).addr() as u64
    }

    /// Takes it, if it is there.
    pub(crate) fn take(&self) -> Option<Verdict> {
        self.said.lock().take().map(|said| *said)
    }
}

/// Where a session's answer is waited for. Dropped without one, it says what stands for that.
pub(crate) struct Reply {
    answer: Arc<Answer>,
    /// What it says if the session is gone.
    otherwise: Option<fn() -> Problem>,
}

impl Reply {
    /// Who waits is woken when there is an answer.
    pub(crate) fn new(answer: &Arc<Answer>, otherwise: fn() -> Problem) -> Self {
        Self { answer: Arc::clone(answer), otherwise: Some(otherwise) }
    }

    /// Gives the answer.
    pub(crate) fn give(mut self, said: Verdict) {
        self.otherwise = None;
        self.set(said);
    }

    /// See [`Answer::ticket`].
    pub(super) fn ticket(&self) -> u64 {
        self.answer.ticket()
    }

    /// Whether somebody still waits.
    pub(crate) fn is_wanted(&self) -> bool {
        Arc::strong_count(&self.answer) > 1
    }

    fn set(&self, said: Verdict) {
        *self.answer.said.lock() = Some(Box::new(said));
        match &self.answer.waiting {
            Waiting::Seat(calls, seat) => calls.call(*seat),
            Waiting::Waker(waker) => waker.wake_by_ref(),
        }
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if let Some(otherwise) = self.otherwise {
            self.set(Err(otherwise()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gone() -> Problem {
        Problem::new(404, "Not Found", "gone")
    }

    #[test]
    fn who_waits_hears_of_a_session_that_is_gone() {
        let answer = Answer::new(Waker::noop().clone());
        drop(Reply::new(&answer, gone));
        assert_eq!(answer.take(), Some(Err(gone())));
        Reply::new(&answer, gone).give(Ok(Said::Nothing));
        assert_eq!((answer.take(), answer.take()), (Some(Ok(Said::Nothing)), None));
    }

    #[test]
    fn a_reply_is_wanted_as_long_as_somebody_waits() {
        let answer = Answer::new(Waker::noop().clone());
        let reply = Reply::new(&answer, gone);
        assert!(reply.is_wanted());
        drop(answer);
        assert!(!reply.is_wanted());
    }
}
