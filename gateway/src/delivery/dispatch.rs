//! From a push that came down a link to the mailboxes of its sessions, or to the workers' lanes.

use std::{mem::take, sync::Arc};

use prometheus::IntCounter;
use protocol::{
    MessageId, Topic, UserId,
    kept::{Log, Step},
    link::{EntryLayout, LinkError, PushEntries, PushEntry, TargetRef},
};

use super::{
    fan_out::FanOut,
    frame::{Collapses, FrameMemory, Kept, Scope, SharedFrame},
    message::{Mailbox, Push},
    topic_reader::TopicReader,
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

/// Users and other targets handed on before other work of the thread gets its turn: about half a
/// millisecond.
const TURN: usize = 1024;

/// A push that is kept: its frame is whole only with the cursor that it has in a log.
struct Open<'a> {
    frame: &'a [u8],
    accepted: Accepted,
    receipt: Option<Arc<ReceiptCollector>>,
}

/// Users of one push who are still to get it.
enum Users<'a> {
    Live(Push, std::vec::IntoIter<&'a str>),
    Kept(Open<'a>, std::vec::IntoIter<(&'a str, Step)>),
}

/// A batch, as far as it was not handed on.
pub(crate) struct Unfinished<'a> {
    entries: PushEntries<'a>,
    arrival: Arrival,
    /// Users who are still to get the push that was read last.
    users: Option<Users<'a>>,
}

impl<'a> Unfinished<'a> {
    /// Nothing of it was, and it came then.
    pub(crate) fn new(pushes: &'a [u8], layout: EntryLayout, arrival: Arrival) -> Self {
        Self { entries: PushEntries::new(pushes, layout), arrival, users: None }
    }

    /// What was passed over so far, because this build does not know what it means.
    pub(crate) fn skipped(&self) -> Skipped {
        let wanted_receipts = self.entries.skipped_receipts().to_vec();
        Skipped { count: self.entries.skipped(), wanted_receipts }
    }
}

/// Pushes that were passed over.
pub(crate) struct Skipped {
    /// How many there were.
    pub count: u64,
    /// Those of them whose senders wait for receipts.
    pub wanted_receipts: Vec<MessageId>,
}

impl<A: Mailbox + Clone + Send + Sync + 'static> Delivery<A> {
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

    /// Hands on as much of a batch as fits into a turn of the thread; true if there is more. Nothing else
    /// may be handed on by this until there is not, or order is lost.
    ///
    /// # Errors
    /// The batch is malformed; what stood before has been delivered.
    pub(crate) fn go_on(&mut self, batch: &mut Unfinished<'_>) -> Result<bool, LinkError> {
        for _ in 0..TURN {
            if let Some(users) = &mut batch.users {
                let handed_on = match users {
                    Users::Live(push, users) => users.next().map(|user| self.to_user(user, push)),
                    Users::Kept(open, users) => {
                        users.next().map(|(user, step)| self.kept_to_user(user, step, open))
                    }
                };
                if handed_on.is_none() {
                    batch.users = None;
                }
                continue;
            }
            let Some(entry) = batch.entries.next() else { return Ok(false) };
            let mut entry = entry?;
            let accepted = batch.arrival.accepted(entry.accepted_micros);
            match &mut entry.target {
                TargetRef::Users(users) => {
                    let users = take(users).into_iter();
                    batch.users = Some(Users::Live(self.push_of(&entry, accepted), users));
                }
                TargetRef::KeptUsers(users) => {
                    let users = take(users).into_iter();
                    batch.users = Some(Users::Kept(self.open_of(&entry, accepted), users));
                }
                _ => self.push(&entry, accepted),
            }
        }
        Ok(true)
    }

    /// Hands every push of a batch on in one go.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn batch(&mut self, mut batch: Unfinished<'_>) -> Result<(), LinkError> {
        while self.go_on(&mut batch)? {}
        Ok(())
    }

    /// Whether a push to a topic or to everybody came since this was asked last.
    pub(crate) fn take_fanned_out(&mut self) -> bool {
        take(&mut self.has_fanned_out)
    }

    /// Hands one push to its sessions, whatever the entry says of when it was accepted.
    pub(crate) fn push(&mut self, entry: &PushEntry<'_>, accepted: Accepted) {
        match &entry.target {
            TargetRef::User(user) => {
                let push = self.push_of(entry, accepted);
                self.to_user(user, &push);
            }
            TargetRef::Users(users) => {
                let push = self.push_of(entry, accepted);
                users.iter().for_each(|user| self.to_user(user, &push));
            }
            TargetRef::Topic(topic) => {
                let push = self.push_of(entry, accepted);
                self.fan_out.to_topic(topic, &self.directory.topics, &push);
                self.has_fanned_out = true;
            }
            TargetRef::All => {
                let push = self.push_of(entry, accepted);
                self.fan_out.to_all(&push);
                self.has_fanned_out = true;
            }
            TargetRef::KeptUsers(users) => {
                let open = self.open_of(entry, accepted);
                users.iter().for_each(|(user, step)| self.kept_to_user(user, *step, &open));
            }
            TargetRef::KeptTopic(topic, step) => {
                let open = self.open_of(entry, accepted);
                self.kept_to_topic(topic, *step, &open);
            }
        }
    }

    fn push_of(&mut self, entry: &PushEntry<'_>, accepted: Accepted) -> Push {
        Push { frame: self.frame_of(entry), accepted, receipt: self.receipt_of(entry) }
    }

    fn open_of<'a>(&self, entry: &PushEntry<'a>, accepted: Accepted) -> Open<'a> {
        Open { frame: entry.frame, accepted, receipt: self.receipt_of(entry) }
    }

    fn receipt_of(&self, entry: &PushEntry<'_>) -> Option<Arc<ReceiptCollector>> {
        entry.receipt.then(|| ReceiptCollector::new(entry.id, &self.link))
    }

    fn frame_of(&mut self, entry: &PushEntry<'_>) -> SharedFrame {
        let (memory, scratch) = (&self.memory, &mut self.scratch);
        let Some(key) = entry.collapse_key else {
            return SharedFrame::new(entry.frame, memory, scratch);
        };
        let scope = match &entry.target {
            TargetRef::Topic(topic) => Scope::Topic((*topic).into()),
            TargetRef::All => Scope::All,
            _ => Scope::User,
        };
        let collapses = Collapses { scope, key: key.into() };
        SharedFrame::collapsing(entry.frame, collapses, memory, scratch)
    }

    /// Hands a push that is kept to a user, with the place that it has in the user's log.
    fn kept_to_user(&mut self, user: &str, step: Step, open: &Open<'_>) {
        let Ok(user) = UserId::new(user) else { return };
        if self.directory.registry.is_here(user.as_str()) {
            let push = self.ended(Log::User(user.clone()), step, open);
            self.to_user(user.as_str(), &push);
        } else {
            self.no_session.inc();
        }
    }

    /// The same for the subscribers of a topic.
    fn kept_to_topic(&mut self, topic: &str, step: Step, open: &Open<'_>) {
        let Ok(topic) = Topic::new(topic) else { return };
        if self.directory.topics.count(topic.as_str()) > 0 {
            let push = self.ended(Log::Topic(topic.clone()), step, open);
            let reader = TopicReader::new(&self.directory, &self.fan_out, &self.memory);
            reader.take(&topic, &push);
            self.has_fanned_out = true;
        }
    }

    /// The push as it stands in a log.
    fn ended(&mut self, log: Log, step: Step, open: &Open<'_>) -> Push {
        let kept = Kept { log, step };
        let frame = SharedFrame::kept_at(open.frame, kept, &self.memory, &mut self.scratch);
        Push { frame, accepted: open.accepted, receipt: open.receipt.clone() }
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
