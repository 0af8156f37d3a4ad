//! A push on its way into a session.

use std::sync::Arc;

use actix::Message;

use super::frame::SharedFrame;
use crate::uplink::receipts::ReceiptCollector;

/// The one way a push enters a session.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub(crate) struct Deliver {
    /// What the client gets.
    pub frame: SharedFrame,
    /// When pusher-api accepted it: microseconds since the Unix epoch.
    pub accepted_micros: u64,
    /// Where the outcome is reported, if somebody asked.
    pub receipt: Option<Arc<ReceiptCollector>>,
    /// The number of the last broadcast before this push, or of this broadcast itself.
    pub broadcast: u32,
    /// Only of a broadcast, which a session may have caught up with already: shared by all copies
    /// of one worker, so that it knows when the last has been handled.
    pub walk: Option<Arc<()>>,
}

/// Where a session takes its pushes.
pub(crate) trait Mailbox {
    /// Sends a copy of the message, which shares the frame; nothing comes of it if the session is
    /// gone.
    fn deliver(&self, message: &Deliver);
}
