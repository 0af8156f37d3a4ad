//! Pushes whose backends wait for their receipts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dashmap::DashMap;
use protocol::{MessageId, receipt::Receipt};
use tokio::{sync::mpsc, time::Instant};

/// One gateway's receipt.
pub(crate) type GatewayReceipt = (Arc<str>, Receipt);

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
    /// too many wait already.
    pub(crate) fn expect(self: &Arc<Self>, id: MessageId) -> Option<Collector> {
        let taken = self.pending.fetch_add(1, Ordering::Relaxed);
        if taken >= self.limit {
            self.pending.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let (sender, arrivals) = mpsc::unbounded_channel();
        self.waiting.insert(id, sender);
        Some(Collector { receipts: Arc::clone(self), id, arrivals })
    }

    /// Takes in what a gateway reports; too late is no error.
    pub(crate) fn on_receipt(&self, gateway: &Arc<str>, receipt: Receipt) {
        if let Some(sender) = self.waiting.get(&receipt.id) {
            let _ = sender.send((Arc::clone(gateway), receipt));
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

impl Collector {
    /// The receipts of that many gateways, or of those that answered in time.
    pub(crate) async fn collect(
        mut self,
        gateways: usize,
        patience: Duration,
    ) -> Vec<GatewayReceipt> {
        let deadline = Instant::now() + patience;
        let mut collected = Vec::new();
        while collected.len() < gateways {
            match tokio::time::timeout_at(deadline, self.arrivals.recv()).await {
                Ok(Some(receipt)) => collected.push(receipt),
                Ok(None) | Err(_) => break,
            }
        }
        collected
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

    fn receipt(id: MessageId) -> Receipt {
        Receipt { id, sessions: Vec::new(), total: 0 }
    }

    #[actix_rt::test]
    async fn receipts_are_collected_until_all_gateways_answered() {
        let receipts = Receipts::new(1);
        let (id, gateway) = (MessageId::generate(), Arc::from("g"));
        let collector = receipts.expect(id).expect("room for one");
        assert!(receipts.expect(MessageId::generate()).is_none());
        receipts.on_receipt(&gateway, receipt(id));
        receipts.on_receipt(&gateway, receipt(MessageId::generate()));
        receipts.on_receipt(&gateway, receipt(id));
        assert_eq!(collector.collect(2, Duration::from_secs(3600)).await.len(), 2);
        assert_eq!((receipts.pending(), receipts.waiting.len()), (0, 0));
    }

    #[actix_rt::test]
    async fn a_silent_gateway_ends_the_wait_in_time() {
        let receipts = Receipts::new(1);
        let collector = receipts.expect(MessageId::generate()).expect("room for one");
        assert!(collector.collect(1, Duration::ZERO).await.is_empty());
        assert_eq!(receipts.pending(), 0);
    }
}
