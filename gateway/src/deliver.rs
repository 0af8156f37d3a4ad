//! From a push that came down a link to the mailboxes of its sessions.

use std::sync::Arc;

use actix::{Message, WeakAddr};
use protocol::link::{LinkError, PushEntries, PushEntry, TargetRef};

use crate::{
    frame::SharedFrame,
    gateway::Gateway,
    link::{feed::LinkFeed, receipts::ReceiptCollector},
    session::Session,
};

/// The one way a push enters a session.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct Deliver {
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

/// Delivers the pushes of one link, in their order.
pub struct Delivery {
    gateway: Arc<Gateway>,
    link: Arc<LinkFeed>,
    scratch: Vec<u8>,
}

impl Delivery {
    /// Receipts go back over `link`.
    pub fn new(gateway: Arc<Gateway>, link: Arc<LinkFeed>) -> Self {
        Self { gateway, link, scratch: Vec::new() }
    }

    /// Hands every push of a batch to its sessions.
    ///
    /// # Errors
    /// The batch is malformed; what stood before has been delivered.
    pub fn batch(&mut self, pushes: &[u8]) -> Result<(), LinkError> {
        PushEntries::new(pushes).try_for_each(|entry| {
            self.push(&entry?);
            Ok(())
        })
    }

    fn push(&mut self, entry: &PushEntry<'_>) {
        let Self { gateway, link, scratch } = self;
        let message = Deliver {
            frame: SharedFrame::new(entry.frame, &gateway.push_memory, scratch),
            accepted_micros: entry.accepted_micros,
            receipt: entry.receipt.then(|| ReceiptCollector::new(entry.id, link)),
            broadcast: gateway.broadcasts.last(),
            walk: None,
        };
        let reached = match &entry.target {
            TargetRef::User(user) => to_user(gateway, user, &message),
            TargetRef::Users(users) => {
                users.iter().map(|user| to_user(gateway, user, &message)).sum()
            }
            TargetRef::Topic(topic) => {
                let sessions = gateway.topics.sessions(topic);
                sessions.iter().for_each(|session| send(session, &message));
                sessions.len()
            }
            TargetRef::All => return gateway.broadcasts.start(message),
        };
        message.frame.add_recipients(reached);
    }
}

fn to_user(gateway: &Gateway, user: &str, message: &Deliver) -> usize {
    gateway.registry.visit(user, |session| send(&session.address, message))
}

/// Sends a copy of the message, which shares the frame.
pub fn send(session: &WeakAddr<Session>, message: &Deliver) {
    if let Some(session) = session.upgrade() {
        session.do_send(message.clone());
    }
}
