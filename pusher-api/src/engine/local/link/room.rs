//! The bound of a link's queue, counted in bytes by those who fill it.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Room for pushes that a gateway has not acknowledged.
#[derive(Debug)]
pub(crate) struct Room {
    bound: usize,
    taken: AtomicUsize,
    freed: Notify,
}

impl Room {
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, taken: AtomicUsize::new(0), freed: Notify::new() }
    }

    /// Bytes accepted and not acknowledged.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Takes room for this many bytes, unless the bound would be exceeded.
    pub(crate) fn reserve(&self, bytes: usize) -> bool {
        let fits = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.bound);
        self.taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
    }

    /// Gives room back.
    pub(crate) fn release(&self, bytes: usize) {
        if bytes > 0 {
            self.taken.fetch_sub(bytes, Ordering::AcqRel);
            self.freed.notify_waiters();
        }
    }

    /// Waits until at most half is taken.
    pub(crate) async fn eased(&self) {
        self.at_most(self.bound / 2).await;
    }

    /// Waits until nothing is taken.
    pub(crate) async fn drained(&self) {
        self.at_most(0).await;
    }

    async fn at_most(&self, bytes: usize) {
        while self.taken() > bytes {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Registered before looking again, so that room made in between is not missed.
            freed.as_mut().enable();
            if self.taken() <= bytes {
                return;
            }
            freed.await;
        }
    }
}
