//! What became of a push at each session, gathered until the last of them has said so.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use protocol::{
    MessageId, SessionId,
    link::Up,
    receipt::{MAX_RECEIPT_SESSIONS, Outcome, Receipt},
};

use super::feed::LinkFeed;

/// Travels with a push whose sender asked for a receipt. When the last session that holds it lets
/// go, having answered or being gone, the receipt is sent.
pub struct ReceiptCollector {
    id: MessageId,
    sessions: Mutex<Vec<(SessionId, Outcome)>>,
    total: AtomicU64,
    link: Arc<LinkFeed>,
}

impl ReceiptCollector {
    /// Nobody has answered yet.
    pub fn new(id: MessageId, link: &Arc<LinkFeed>) -> Arc<Self> {
        Arc::new(Self {
            id,
            sessions: Mutex::default(),
            total: AtomicU64::new(0),
            link: Arc::clone(link),
        })
    }

    /// Takes a session's answer.
    pub fn record(&self, session: SessionId, outcome: Outcome) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() < MAX_RECEIPT_SESSIONS {
            sessions.push((session, outcome));
        }
    }
}

impl Drop for ReceiptCollector {
    fn drop(&mut self) {
        let sessions =
            std::mem::take(self.sessions.get_mut().unwrap_or_else(PoisonError::into_inner));
        let total = *self.total.get_mut();
        self.link.send(&Up::Receipt(Receipt { id: self.id, sessions, total }));
    }
}
