//! What others ask of the keys' keeper.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

/// Something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Read every file again, changed or not.
    ReadAgain,
    /// A token named a key that is not known.
    FindKey,
}

/// Takes orders; a few are kept, and who cannot be heard has been anticipated by another.
#[derive(Clone)]
pub(crate) struct Orders {
    give: SyncSender<Order>,
    /// Whether a key is being looked for: anybody may ask for one that does not exist.
    is_finding: Arc<AtomicBool>,
}

impl Orders {
    /// Where to give orders, and where they come out.
    pub(crate) fn new() -> (Self, Receiver<Order>) {
        let (give, take) = sync_channel(8);
        (Self { give, is_finding: Arc::default() }, take)
    }

    /// Gives an order, without waiting.
    pub(crate) fn give(&self, order: Order) {
        if order == Order::FindKey && self.is_finding.swap(true, Ordering::Relaxed) {
            return;
        }
        // Full: as many wait already. Closed: there is nothing to keep.
        let _ = self.give.try_send(order);
    }

    /// Lets the next key be looked for.
    pub(super) fn found(&self) {
        self.is_finding.store(false, Ordering::Relaxed);
    }
}
