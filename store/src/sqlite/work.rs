//! What the writer is given to do, and how it answers.

use rusqlite::Result;
use tokio::sync::oneshot;

use super::ledger::Ledger;
use crate::contract::StoreError;

/// Something that changes what is stored.
pub(super) trait Task: Send {
    /// What came of it.
    type Answer: Send;

    /// Goes on with it in this transaction; `None` if it needs another one. What was done before in other
    /// transactions is safe, what was done in this one may be undone: then it is not called again.
    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<Option<Self::Answer>>;

    /// Whether it goes by the time of day.
    fn needs_the_time(&self) -> bool {
        false
    }
}

/// A task whose answer somebody waits for, whatever its kind.
pub(super) trait Work: Send {
    /// As [`Task::advance`]; says whether it is done.
    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<bool>;
    /// Whether nothing was done for it, and nobody waits for its answer any more.
    fn is_given_up(&self) -> bool;
    /// As [`Task::needs_the_time`].
    fn needs_the_time(&self) -> bool;
    /// What it did is safe.
    fn answer(self: Box<Self>);
    /// It could not be done.
    fn fail(self: Box<Self>, reason: &str);
}

/// What those who asked are answered.
pub(super) type Answered<T> = std::result::Result<T, StoreError>;

/// A task, and who waits for its answer.
pub(super) struct Asked<T: Task> {
    task: T,
    has_begun: bool,
    answer: Option<T::Answer>,
    asker: oneshot::Sender<Answered<T::Answer>>,
}

impl<T: Task> Asked<T> {
    pub(super) fn new(task: T, asker: oneshot::Sender<Answered<T::Answer>>) -> Self {
        Self { task, has_begun: false, answer: None, asker }
    }
}

impl<T: Task> Work for Asked<T> {
    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<bool> {
        self.has_begun = true;
        self.answer = self.task.advance(ledger)?;
        Ok(self.answer.is_some())
    }

    fn is_given_up(&self) -> bool {
        !self.has_begun && self.asker.is_closed()
    }

    fn needs_the_time(&self) -> bool {
        self.task.needs_the_time()
    }

    fn answer(self: Box<Self>) {
        if let Some(answer) = self.answer {
            let _gone = self.asker.send(Ok(answer));
        }
    }

    fn fail(self: Box<Self>, reason: &str) {
        let _gone = self.asker.send(Err(StoreError::Away(reason.to_owned())));
    }
}
