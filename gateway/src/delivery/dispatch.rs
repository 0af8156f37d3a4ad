//! From a push that came down a link to the mailboxes of its sessions, or to the workers' lanes.

use std::sync::Arc;

use prometheus::IntCounter;
use protocol::{
    MessageId, UserId,
    link::{EntryLayout, LinkError, PushEntries, PushEntry, TargetRef},
};

use super::{
    fan_out::FanOut,
    frame::{FrameMemory, SharedFrame},
    message::{Mailbox, Push},
};
use crate::{
    directory::{Directory, registry::Registration},
    runtime::acceptance::{Accepted, Arrival},
    uplink::{queue::LinkQueue, receipts::ReceiptCollector},
};

/// Delivers the pushes of one link, in their order, to the mailboxes `A` of a directory.
pub(crate) struct Delivery<A> {
    directory: Arc<Directory<A>>,
    fan_out: Arc<FanOut>,
    memory: Arc<FrameMemory>,
    link: Arc<LinkQueue>,
    /// Counts pushes to users who are not here.
    no_session: IntCounter,
    scratch: Vec<u8>,
    /// Whether a fan-out was started since somebody asked.
    has_fanned_out: bool,
}

/// Pushes that were passed over.
pub(crate) struct Skipped {
    /// How many there were.
    pub count: u64,
    /// Those of them whose senders wait for receipts.
    pub wanted_receipts: Vec<MessageId>,
}

impl<A: Mailbox + Clone> Delivery<A> {
    /// Receipts go back over `link`.
    pub(crate) fn new(
        directory: Arc<Directory<A>>,
        fan_out: Arc<FanOut>,
        memory: Arc<FrameMemory>,
        link: Arc<LinkQueue>,
        no_session: IntCounter,
    ) -> Self {
        let (scratch, has_fanned_out) = (Vec::new(), false);
        Self { directory, fan_out, memory, link, no_session, scratch, has_fanned_out }
    }

    /// Hands every push of a batch that came then to its sessions. Returns which were passed over, because this
    /// build does not know what they mean.
    ///
    /// # Errors
    /// The batch is malformed; what stood before has been delivered.
    pub(crate) fn batch(
        &mut self,
        pushes: &[u8],
        layout: EntryLayout,
        arrival: &Arrival,
    ) -> Result<Skipped, LinkError> {
        let mut entries = PushEntries::new(pushes, layout);
        for entry in entries.by_ref() {
            let entry = entry?;
            self.push(&entry, arrival.accepted(entry.accepted_micros));
        }
        let wanted_receipts = entries.skipped_receipts().to_vec();
        Ok(Skipped { count: entries.skipped(), wanted_receipts })
    }

    /// Whether a push to a topic or to everybody came since this was asked last.
    pub(crate) fn take_fanned_out(&mut self) -> bool {
        std::mem::take(&mut self.has_fanned_out)
    }

    /// Hands one push to its sessions, whatever the entry says of when it was accepted.
    pub(crate) fn push(&mut self, entry: &PushEntry<'_>, accepted: Accepted) {
        let push = Push {
            frame: SharedFrame::new(entry.frame, &self.memory, &mut self.scratch),
            accepted,
            receipt: entry.receipt.then(|| ReceiptCollector::new(entry.id, &self.link)),
        };
        match &entry.target {
            TargetRef::User(user) => self.to_user(user, &push),
            TargetRef::Users(users) => users.iter().for_each(|user| self.to_user(user, &push)),
            TargetRef::Topic(topic) => {
                self.fan_out.to_topic(topic, &self.directory.topics, &push);
                self.has_fanned_out = true;
            }
            TargetRef::All => {
                self.fan_out.to_all(&push);
                self.has_fanned_out = true;
            }
        }
    }

    fn to_user(&self, user: &str, push: &Push) {
        let after = self.fan_out.last();
        let deliver = |session: &Registration<A>| session.address.deliver(push, after);
        let sessions = self.directory.registry.visit(user, deliver);
        // The gateway's own may come later than its first pushes, and leave before.
        if sessions == 0 && !UserId::is_reserved(user) {
            self.no_session.inc();
        }
    }
}
