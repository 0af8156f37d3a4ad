//! Lines of a batch that wait for the store together.
//!
//! A line to be kept begins a group, or joins it. Those to be kept go to the store all at once, which
//! commits them together; what stands between and behind them waits, so that each user gets everything in
//! the order of the lines, and the report has them in order, too.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use protocol::problem::Problem;

use crate::{
    api::Api,
    http::behind::Behind,
    intake::{
        kept::{Kept, Refused, Unkept},
        live::Fresh,
    },
    validate::To,
};

/// Most lines of a group.
const MOST_LINES: usize = 512;
/// Most bytes of them.
const MOST_BYTES: usize = 512 * 1024;

/// A line that waits.
pub(super) enum Waiting<'a> {
    /// It is to be kept.
    Unkept(Unkept),
    /// It is for sessions online now.
    Live(Fresh<'a, 'static>),
    /// It will not be taken.
    Rejected(Problem),
}

/// A line that need not wait any more.
pub(super) enum Settled<'a> {
    /// The store has answered.
    Kept(Result<Kept, Refused>),
    /// It may be committed, unless it would overtake another one.
    Live(Fresh<'a, 'static>),
    /// It will not be taken.
    Rejected(Problem),
}

/// Lines by number, in order.
#[derive(Default)]
pub(super) struct Group<'a> {
    lines: Vec<(u64, Waiting<'a>)>,
    bytes: usize,
    /// Who the live ones are for.
    live: Behind,
}

impl<'a> Group<'a> {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Bytes that wait, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no other line shall join; `room` is how many the report has room for.
    pub(super) fn is_full(&self, room: usize) -> bool {
        self.lines.len() >= MOST_LINES.min(room) || self.bytes >= MOST_BYTES
    }

    /// Whether a push that is kept now would overtake a live one of the group, should that be refused.
    pub(super) fn would_be_overtaken(&self, by: &To<'_>) -> bool {
        self.live.holds(by)
    }

    /// Lets a line wait.
    pub(super) fn push(&mut self, number: u64, waiting: Waiting<'a>) {
        self.bytes += match &waiting {
            Waiting::Unkept(push) => push.size(),
            Waiting::Live(push) => {
                self.live.add(push.to());
                push.size()
            }
            Waiting::Rejected(problem) => problem.detail.len(),
        };
        self.lines.push((number, waiting));
    }

    /// The lines once the store has answered.
    pub(super) async fn settled(self, api: &Api) -> impl Iterator<Item = (u64, Settled<'a>)> {
        let mut unkept = Vec::new();
        let lines = self.lines.into_iter().map(|(number, waiting)| match waiting {
            Waiting::Unkept(push) => {
                unkept.push(push.keep(api));
                (number, None)
            }
            Waiting::Live(push) => (number, Some(Settled::Live(push))),
            Waiting::Rejected(problem) => (number, Some(Settled::Rejected(problem))),
        });
        let lines: Vec<_> = lines.collect();
        let mut kept = in_order(unkept).await.into_iter().map(Settled::Kept);
        lines
            .into_iter()
            .filter_map(move |(number, line)| Some((number, line.or_else(|| kept.next())?)))
    }
}

/// Waits for all of them. They are polled in their order, which a store keeps.
async fn in_order<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<Option<Pin<Box<F>>>> =
        futures.into_iter().map(|it| Some(Box::pin(it))).collect();
    let mut outputs: Vec<Option<F::Output>> = pending.iter().map(|_| None).collect();
    poll_fn(|context| {
        let mut all = Poll::Ready(());
        for (slot, output) in pending.iter_mut().zip(&mut outputs) {
            let Some(future) = slot else { continue };
            match future.as_mut().poll(context) {
                Poll::Ready(ready) => (*slot, *output) = (None, Some(ready)),
                Poll::Pending => all = Poll::Pending,
            }
        }
        all
    })
    .await;
    outputs.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[actix_rt::test]
    async fn all_are_asked_in_order_and_answer_in_order() {
        let asked = RefCell::new(Vec::new());
        let one = |number: u32| {
            let asked = &asked;
            async move {
                asked.borrow_mut().push(number);
                // The later ones are ready first.
                for _ in number..600 {
                    tokio::task::yield_now().await;
                }
                number
            }
        };
        let expected: Vec<_> = (0..600).collect();
        assert_eq!(in_order((0..600).map(one)).await, expected);
        assert_eq!(asked.into_inner(), expected);
    }
}
