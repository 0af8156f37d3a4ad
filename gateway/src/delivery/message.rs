//! A push on its way to sessions.

use std::sync::Arc;

use actix::Message;

use super::frame::SharedFrame;
use crate::{runtime::acceptance::Accepted, uplink::receipts::ReceiptCollector};

/// A push, as all who get it share it.
#[derive(Clone)]
pub(crate) struct Push {
    /// What the client gets.
    pub frame: SharedFrame,
    /// When pusher-api accepted it.
    pub accepted: Accepted,
    /// Where the outcome is reported, if somebody asked.
    pub receipt: Option<Arc<ReceiptCollector>>,
}

/// The one way in which a push to a user enters a session: by its mailbox. Its envelope is counted
/// as long as it is there.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Deliver {
    /// What is delivered.
    pub push: Push,
    /// The number of the last fan-out that was accepted before.
    pub after: u64,
}

impl Deliver {
    /// A copy for one mailbox.
    pub(crate) fn new(push: &Push, after: u64) -> Self {
        push.frame.count_envelope();
        Self { push: push.clone(), after }
    }
}

impl Drop for Deliver {
    fn drop(&mut self) {
        self.push.frame.discount_envelope();
    }
}

/// Where a session takes its pushes.
pub(crate) trait Mailbox {
    /// Sends a copy of the push, which shares the frame, to be delivered behind the fan-outs up to
    /// `after`; nothing comes of it if the session is gone.
    fn deliver(&self, push: &Push, after: u64);
}
