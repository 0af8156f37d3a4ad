//! Pushes whose backends wait for their receipts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::{DashMap, Entry};
use protocol::{MessageId, receipt::Receipt};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout_at},
};

use crate::status::{GatewayIndex, GatewayIndexes};

/// One gateway's receipt.
pub(crate) type GatewayReceipt = (GatewayIndex, Receipt);

/// Every push that waits, bounded in number.
#[derive(Debug)]
pub(crate) struct Receipts {
    waiting: DashMap<MessageId, mpsc::UnboundedSender<GatewayReceipt>>,
    pending: AtomicUsize,
    limit: usize,
}

impl Receipts {
    /// At most `limit` pushes wait at the same time.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { waiting: DashMap::new(), pending: AtomicUsize::new(0), limit })
    }

    /// Collects the receipts of a push; to be called before the push is on its way. `None` when
    /// too many wait already, or one of this id does.
    pub(crate) fn expect(self: &Arc<Self>, id: MessageId) -> Option<Collector> {
        let taken = self.pending.fetch_add(1, Ordering::Relaxed);
        if taken >= self.limit {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let Entry::Vacant(place) = self.waiting.entry(id) else {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return None;
        };
        let (sender, arrivals) = mpsc::unbounded_channel();
        place.insert(sender);
        Some(Collector { receipts: Arc::clone(self), id, arrivals })
    }

    /// Takes in what a gateway reports; too late is no error.
    pub(crate) fn on_receipt(&self, gateway: GatewayIndex, receipt: Receipt) {
        if let Some(sender) = self.waiting.get(&receipt.id) {
            let _ = sender.send((gateway, receipt));
        }
    }

    /// How many pushes wait.
    pub(crate) fn pending(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }
}

/// Waits for the receipts of one push; dropping it ends the waiting.
#[derive(Debug)]
pub(crate) struct Collector {
    receipts: Arc<Receipts>,
    id: MessageId,
    arrivals: mpsc::UnboundedReceiver<GatewayReceipt>,
}

/// What came in time.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The receipts, at most one of each gateway.
    pub receipts: Vec<GatewayReceipt>,
    /// The gateways that have said nothing.
    pub unanswered: GatewayIndexes,
}

impl Collector {
    /// The receipts of these gateways, or of those of them that answer in time.
    pub(crate) async fn collect(
        mut self,
        gateways: GatewayIndexes,
        patience: Duration,
    ) -> Collected {
        let deadline = Instant::now() + patience;
        let mut collected = Collected { receipts: Vec::new(), unanswered: gateways };
        while !collected.unanswered.is_empty() {
            let Ok(Some(receipt)) = timeout_at(deadline, self.arrivals.recv()).await else { break };
            collected.take(receipt);
        }
        collected
    }
}

impl Collected {
    fn take(&mut self, (gateway, receipt): GatewayReceipt) {
        let expected = self.unanswered.iter().position(|expected| *expected == gateway);
        if let Some(position) = expected {
            self.unanswered.remove(position);
            self.receipts.push((gateway, receipt));
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.receipts.waiting.remove(&self.id);
        self.receipts.pending.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: GatewayIndex = GatewayIndex(1);
    const SECOND: GatewayIndex = GatewayIndex(2);

    fn receipt(id: MessageId, total: u64) -> Receipt {
        Receipt::new(id, Vec::new(), total)
    }

    fn totals(collected: &Collected) -> Vec<u64> {
        collected.receipts.iter().map(|(_, receipt)| receipt.total).collect()
    }

    #[actix_rt::test]
    async fn receipts_are_collected_until_all_gateways_answered() {
        let receipts = Receipts::new(1);
        let id = MessageId::generate();
        let collector = receipts.expect(id).expect("room for one");
        assert!(receipts.expect(MessageId::generate()).is_none());
        receipts.on_receipt(FIRST, receipt(id, 1));
        receipts.on_receipt(FIRST, receipt(MessageId::generate(), 2));
        receipts.on_receipt(FIRST, receipt(id, 3));
        receipts.on_receipt(GatewayIndex(9), receipt(id, 4));
        receipts.on_receipt(SECOND, receipt(id, 5));
        let gateways = [FIRST, SECOND].into_iter().collect();
        let collected = collector.collect(gateways, Duration::from_secs(3600)).await;
        assert_eq!(totals(&collected), [1, 5], "one of each that was asked, and the first");
        assert!(collected.unanswered.is_empty());
        assert_eq!((receipts.pending(), receipts.waiting.len()), (0, 0));
    }

    #[test]
    fn one_id_is_waited_for_once_at_a_time() {
        let receipts = Receipts::new(2);
        let id = MessageId::generate();
        let collector = receipts.expect(id).expect("room");
        assert!(receipts.expect(id).is_none());
        assert_eq!(receipts.pending(), 1);
        drop(collector);
        assert!(receipts.expect(id).is_some());
    }

    #[actix_rt::test]
    async fn a_silent_gateway_ends_the_wait_in_time_and_is_named() {
        tokio::time::pause();
        let receipts = Receipts::new(1);
        let id = MessageId::generate();
        let collector = receipts.expect(id).expect("room for one");
        receipts.on_receipt(SECOND, receipt(id, 1));
        let begun = Instant::now();
        let patience = Duration::from_millis(200);
        let collected = collector.collect([FIRST, SECOND].into_iter().collect(), patience).await;
        let waited = begun.elapsed();
        assert!(waited >= patience && waited < patience * 2, "it was waited for, not longer");
        assert_eq!((totals(&collected), collected.unanswered.as_slice()), (vec![1], &[FIRST][..]));
        assert_eq!(receipts.pending(), 0);
    }
}
