//! What became of a push at each session, gathered until the last of them has said so.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use protocol::{
    CloseReason, Device, MessageId, SessionId,
    link::Up,
    receipt::{MAX_RECEIPT_SESSIONS, Outcome, Receipt, SessionDetail},
};

use super::queue::LinkQueue;

#[derive(Default)]
struct Answers {
    sessions: Vec<(SessionId, Outcome)>,
    details: Vec<SessionDetail>,
}

/// Travels with a push whose sender asked for a receipt. When the last session that holds it lets
/// go, having answered or being gone, the receipt is sent.
pub(crate) struct ReceiptCollector {
    id: MessageId,
    answers: Mutex<Answers>,
    total: AtomicU64,
    link: Arc<LinkQueue>,
}

impl ReceiptCollector {
    /// Nobody has answered yet.
    ///
    /// A session that ends before it has come to the push answers all the same: what is left in its
    /// mailbox is dropped one by one.
    pub(crate) fn new(id: MessageId, link: &Arc<LinkQueue>) -> Arc<Self> {
        Arc::new(Self {
            id,
            answers: Mutex::default(),
            total: AtomicU64::new(0),
            link: Arc::clone(link),
        })
    }

    /// Takes a session's answer, with its device, and the reason for which it has ended.
    pub(crate) fn record(
        &self,
        session: SessionId,
        outcome: Outcome,
        device: Option<&Device>,
        reason: Option<CloseReason>,
    ) {
        self.total.fetch_add(1, Ordering::Relaxed);
        let mut answers = self.answers.lock();
        if answers.sessions.len() >= MAX_RECEIPT_SESSIONS {
            return;
        }
        answers.sessions.push((session, outcome));
        if device.is_some() || reason.is_some() {
            let device = device.map(|device| device.as_str().to_owned());
            let reason = reason.map(|reason| reason.as_str().to_owned());
            answers.details.push(SessionDetail { session, device, reason });
        }
    }
}

impl Drop for ReceiptCollector {
    fn drop(&mut self) {
        let Answers { sessions, details } = std::mem::take(self.answers.get_mut());
        let total = *self.total.get_mut();
        let receipt = Receipt { details, ..Receipt::new(self.id, sessions, total) };
        self.link.send(&Up::Receipt(receipt));
    }
}
