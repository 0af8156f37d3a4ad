//! Connections that are not sessions yet, against their limit.

use std::{cell::Cell, rc::Rc};

use prometheus::{IntCounter, IntGauge};
use tokio::sync::Notify;

/// Connections of one thread that are not sessions yet, against their limit.
pub(crate) struct Pending {
    count: Cell<usize>,
    limit: usize,
    fewer: Notify,
    /// Where they are shown.
    gauge: IntGauge,
    /// Counts how often the limit held up accepting.
    pauses: IntCounter,
}

/// Counts a connection as pending until it is dropped.
pub(crate) struct PendingGuard(Rc<Pending>);

impl Drop for PendingGuard {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.gauge.dec();
        self.0.fewer.notify_one();
    }
}

impl Pending {
    /// None yet, of at most `limit`.
    pub(crate) fn new(limit: usize, gauge: IntGauge, pauses: IntCounter) -> Rc<Self> {
        Rc::new(Self { count: Cell::new(0), limit, fewer: Notify::new(), gauge, pauses })
    }

    /// Counts one more.
    pub(crate) fn add(self: &Rc<Self>) -> PendingGuard {
        self.count.set(self.count.get() + 1);
        self.gauge.inc();
        PendingGuard(Rc::clone(self))
    }

    /// Waits until there are fewer than the limit.
    pub(crate) async fn room(&self) {
        if self.count.get() >= self.limit {
            self.pauses.inc();
        }
        while self.count.get() >= self.limit {
            self.fewer.notified().await;
        }
    }
}
