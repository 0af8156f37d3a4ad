//! Questions to one gateway that wait for their answers.

use std::collections::HashMap;

use parking_lot::Mutex;
use protocol::link::LinkAnswer;
use tokio::sync::oneshot;

/// Most questions that may wait at one gateway.
const MAX_WAITING: usize = 10_000;

/// The questions by number.
#[derive(Debug, Default)]
pub(super) struct Answers {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    last_request: u64,
    /// An answer, or the word that there is none this process understands.
    waiting: HashMap<u64, oneshot::Sender<Option<LinkAnswer>>>,
}

impl Answers {
    /// A number for a new question, and where its answer arrives.
    pub(super) fn expect(&self) -> Option<Expected<'_>> {
        let mut inner = self.inner.lock();
        if inner.waiting.len() >= MAX_WAITING {
            return None;
        }
        inner.last_request += 1;
        let request = inner.last_request;
        let (sender, answer) = oneshot::channel();
        inner.waiting.insert(request, sender);
        Some(Expected { answers: self, request, answer })
    }

    /// Hands an answer to whoever waits; too late is no error.
    pub(super) fn on_answer(&self, request: u64, answer: LinkAnswer) {
        self.end(request, Some(answer));
    }

    fn end(&self, request: u64, answer: Option<LinkAnswer>) {
        let waiting = self.inner.lock().waiting.remove(&request);
        if let Some(sender) = waiting {
            let _ = sender.send(answer);
        }
    }

    /// There is no answer that this process understands.
    pub(super) fn fail(&self, request: u64) {
        self.end(request, None);
    }

    /// The connection that was to bring the answers is over.
    pub(super) fn fail_all(&self) {
        self.inner.lock().waiting.clear();
    }
}

/// An answer on its way; dropping it ends the waiting.
pub(super) struct Expected<'a> {
    answers: &'a Answers,
    pub(super) request: u64,
    pub(super) answer: oneshot::Receiver<Option<LinkAnswer>>,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.answers.inner.lock().waiting.remove(&self.request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_reach_their_question_only() {
        let answers = Answers::default();
        let (mut first, mut second) = (answers.expect().unwrap(), answers.expect().unwrap());
        answers.on_answer(second.request, LinkAnswer::Count(2));
        assert_eq!(second.answer.try_recv(), Ok(Some(LinkAnswer::Count(2))));
        answers.on_answer(99, LinkAnswer::Count(3));
        let mut third = answers.expect().unwrap();
        answers.fail(third.request);
        assert_eq!(third.answer.try_recv(), Ok(None));
        assert_eq!(first.answer.try_recv(), Err(oneshot::error::TryRecvError::Empty));
        answers.fail_all();
        assert_eq!(first.answer.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }

    #[test]
    fn who_gave_up_is_forgotten_and_the_number_is_bounded() {
        let answers = Answers::default();
        let waiting: Vec<_> = (0..MAX_WAITING).map(|_| answers.expect().unwrap()).collect();
        assert!(answers.expect().is_none());
        drop(waiting);
        assert!(answers.inner.lock().waiting.is_empty());
    }
}
