//! What became of a push at each session, gathered until the last of them has said so.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use protocol::{
    MessageId, SessionId,
    link::Up,
    receipt::{MAX_RECEIPT_SESSIONS, Outcome, Receipt},
};

use super::queue::LinkQueue;

/// Travels with a push whose sender asked for a receipt. When the last session that holds it lets
/// go, having answered or being gone, the receipt is sent.
pub(crate) struct ReceiptCollector {
    id: MessageId,
    sessions: Mutex<Vec<(SessionId, Outcome)>>,
    total: AtomicU64,
    link: Arc<LinkQueue>,
}

impl ReceiptCollector {
    /// Nobody has answered yet.
    pub(crate) fn new(id: MessageId, link: &Arc<LinkQueue>) -> Arc<Self> {
        Arc::new(Self {
            id,
            sessions: Mutex::default(),
            total: AtomicU64::new(0),
            link: Arc::clone(link),
        })
    }

    /// Takes a session's answer.
    pub(crate) fn record(&self, session: SessionId, outcome: Outcome) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut sessions = self.sessions.lock();
        if sessions.len() < MAX_RECEIPT_SESSIONS {
            sessions.push((session, outcome));
        }
    }
}

impl Drop for ReceiptCollector {
    fn drop(&mut self) {
        let sessions = std::mem::take(self.sessions.get_mut());
        let total = *self.total.get_mut();
        self.link.send(&Up::Receipt(Receipt { id: self.id, sessions, total }));
    }
}
