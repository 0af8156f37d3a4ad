//! The record of what one session holds, as long as it holds something.

use std::rc::Rc;

use super::{holdings::Held, local::Local};

/// A session's record, until it is dropped.
pub(super) struct Holding<A> {
    local: Rc<Local<A>>,
    record: usize,
}

impl<A> Holding<A> {
    /// A record of the session in a seat, which holds nothing yet.
    pub(super) fn new(local: &Rc<Local<A>>, seat: u32) -> Self {
        let record = local.holdings.borrow_mut().open(seat);
        Self { local: Rc::clone(local), record }
    }

    /// Takes note of what it holds now.
    pub(super) fn update(&self, now: Held) {
        self.local.holdings.borrow_mut().update(self.record, now, &self.local.ledger);
    }
}

impl<A> Drop for Holding<A> {
    fn drop(&mut self) {
        self.local.holdings.borrow_mut().close(self.record, &self.local.ledger);
    }
}
