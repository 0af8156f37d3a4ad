//! From a push that came down a link to the mailboxes of its sessions.

use std::sync::Arc;

use protocol::link::{EntryLayout, LinkError, PushEntries, PushEntry, TargetRef};

use super::{
    broadcast::Broadcasts,
    frame::{FrameMemory, SharedFrame},
    message::{Deliver, Mailbox},
};
use crate::{
    directory::Directory,
    uplink::{queue::LinkQueue, receipts::ReceiptCollector},
};

/// Delivers the pushes of one link, in their order, to the mailboxes `A` of a directory.
pub(crate) struct Delivery<A> {
    directory: Arc<Directory<A>>,
    broadcasts: Arc<Broadcasts>,
    memory: Arc<FrameMemory>,
    link: Arc<LinkQueue>,
    scratch: Vec<u8>,
}

impl<A: Mailbox + Clone> Delivery<A> {
    /// Receipts go back over `link`.
    pub(crate) fn new(
        directory: Arc<Directory<A>>,
        broadcasts: Arc<Broadcasts>,
        memory: Arc<FrameMemory>,
        link: Arc<LinkQueue>,
    ) -> Self {
        Self { directory, broadcasts, memory, link, scratch: Vec::new() }
    }

    /// Hands every push of a batch to its sessions. Returns how many were passed over, because this
    /// build does not know what they mean.
    ///
    /// # Errors
    /// The batch is malformed; what stood before has been delivered.
    pub(crate) fn batch(&mut self, pushes: &[u8], layout: EntryLayout) -> Result<u64, LinkError> {
        let mut entries = PushEntries::new(pushes, layout);
        for entry in entries.by_ref() {
            self.push(&entry?);
        }
        Ok(entries.skipped())
    }

    fn push(&mut self, entry: &PushEntry<'_>) {
        let message = Deliver {
            frame: SharedFrame::new(entry.frame, &self.memory, &mut self.scratch),
            accepted_micros: entry.accepted_micros,
            receipt: entry.receipt.then(|| ReceiptCollector::new(entry.id, &self.link)),
            broadcast: self.broadcasts.last(),
            walk: None,
        };
        let reached = match &entry.target {
            TargetRef::User(user) => self.to_user(user, &message),
            TargetRef::Users(users) => users.iter().map(|user| self.to_user(user, &message)).sum(),
            TargetRef::Topic(topic) => self.to_topic(topic, &message),
            TargetRef::All => return self.broadcasts.start(message),
        };
        message.frame.add_recipients(reached);
    }

    fn to_user(&self, user: &str, message: &Deliver) -> usize {
        self.directory.registry.visit(user, |session| session.address.deliver(message))
    }

    fn to_topic(&self, topic: &str, message: &Deliver) -> usize {
        let sessions = self.directory.topics.sessions(topic);
        sessions.iter().for_each(|session| session.deliver(message));
        sessions.len()
    }
}
