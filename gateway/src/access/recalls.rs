//! Sessions that are asked to come back, so that another gateway may get them: an order for so many, shared out
//! over the workers, and how many of them may go so far.
//!
//! Whoever gives the order lets them go bit by bit ([`Order::let_go`]); each worker asks its share of those, never
//! more in all than were let go ([`Order::claim`]). Neither waits for the other.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use tokio::sync::watch;

/// To ask so many sessions to come back.
#[derive(Debug)]
pub(crate) struct Order {
    /// How many of each worker's.
    shares: Box<[usize]>,
    total: usize,
    /// The tick in which it was given: who has come since stays.
    pub given_at: u32,
    let_go: AtomicUsize,
    asked: AtomicUsize,
    /// Workers that have no more to ask.
    done: AtomicUsize,
    over: AtomicBool,
}

impl Order {
    /// For a share of the sessions that each worker has, at least one if there are any.
    pub(crate) fn new(sessions: &[usize], share: f64, given_at: u32) -> Self {
        let all: usize = sessions.iter().sum();
        let wanted = ((all as f64 * share).round() as usize).clamp(all.min(1), all);
        // Rounded by their sum, so that they come to just as many.
        let mut before = 0;
        let shares = sessions.iter().map(|count| {
            let until = |sum: usize| (sum * wanted).checked_div(all).unwrap_or(0);
            let share = until(before + count) - until(before);
            before += count;
            share
        });
        Self {
            shares: shares.collect(),
            total: wanted,
            given_at,
            let_go: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        }
    }

    /// How many sessions it is for.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// How many were asked so far.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// Lets so many go in all.
    pub(crate) fn let_go(&self, count: usize) {
        self.let_go.store(count.min(self.total), Ordering::Relaxed);
    }

    /// How many a worker may have asked by now: its share of those that may go.
    pub(crate) fn due(&self, worker: usize) -> usize {
        let share = self.shares.get(worker).copied().unwrap_or(0);
        match self.total {
            0 => 0,
            total => (share * self.let_go.load(Ordering::Relaxed)).div_ceil(total).min(share),
        }
    }

    /// How many a worker is to ask.
    pub(crate) fn share(&self, worker: usize) -> usize {
        self.shares.get(worker).copied().unwrap_or(0)
    }

    /// Takes so many of those that were let go and are not asked yet; how many it were.
    pub(crate) fn claim(&self, most: usize) -> usize {
        let mut claimed = 0;
        let claim = |asked: usize| {
            let left = self.let_go.load(Ordering::Relaxed).saturating_sub(asked);
            claimed = most.min(left);
            Some(asked + claimed)
        };
        // It is changed in any case, if by nothing.
        let _ = self.asked.fetch_update(Ordering::Relaxed, Ordering::Relaxed, claim);
        claimed
    }

    /// Gives back what was claimed for sessions that are not there any more.
    pub(crate) fn give_back(&self, count: usize) {
        self.asked.fetch_sub(count, Ordering::Relaxed);
    }

    /// A worker has asked all it could.
    pub(crate) fn worker_done(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every worker has.
    pub(crate) fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed) >= self.shares.len()
    }

    /// Asks nobody any more.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Whether nobody is to be asked any more.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// Where orders are given, one after another.
pub(crate) struct Recalls(watch::Sender<Option<Arc<Order>>>);

impl Default for Recalls {
    fn default() -> Self {
        Self(watch::Sender::new(None))
    }
}

impl Recalls {
    /// Has every worker carry it out.
    pub(crate) fn give(&self, order: &Arc<Order>) {
        self.0.send_replace(Some(Arc::clone(order)));
    }

    /// Where a worker hears of orders.
    pub(crate) fn hear(&self) -> watch::Receiver<Option<Arc<Order>>> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_come_to_the_whole_and_none_is_more_than_there_is(
            sessions in prop::collection::vec(0_usize..50_000, 1..9), share in 0.001_f64..=1.0
        ) {
            let order = Order::new(&sessions, share, 0);
            let all: usize = sessions.iter().sum();
            prop_assert_eq!(order.shares.iter().sum::<usize>(), order.total());
            prop_assert!(order.shares.iter().zip(&sessions).all(|(share, count)| share <= count));
            prop_assert!((order.total() as f64 - all as f64 * share).abs() <= 1.0);
            prop_assert!(order.total() > 0 || all == 0);
        }

        #[test]
        fn what_may_go_is_shared_out(
            sessions in prop::collection::vec(0_usize..5000, 1..5), steps in prop::collection::vec(0_usize..20_000, 1..9)
        ) {
            let order = Order::new(&sessions, 1.0, 0);
            for step in steps {
                order.let_go(step);
                let due: usize = (0..sessions.len()).map(|worker| order.due(worker)).sum();
                let expected = step.min(order.total());
                prop_assert!((expected..expected + sessions.len()).contains(&due), "{due} {step}");
            }
            order.let_go(usize::MAX);
            prop_assert!((0..sessions.len()).all(|it| order.due(it) == order.share(it)));
        }
    }

    #[test]
    fn an_order_is_done_when_every_worker_is() {
        let order = Order::new(&[10, 0], 0.5, 7);
        assert_eq!((order.total(), order.share(0), order.share(1), order.share(2)), (5, 5, 0, 0));
        assert_eq!(order.claim(9), 0, "none was let go");
        order.let_go(3);
        assert_eq!((order.claim(2), order.claim(2), order.claim(2)), (2, 1, 0));
        order.give_back(1);
        order.let_go(9);
        assert_eq!((order.claim(9), order.asked()), (3, 5));
        order.worker_done();
        assert!(!order.is_done() && !order.is_over());
        order.worker_done();
        assert!(order.is_done());
        order.end();
        assert!(order.is_over());
    }
}
