//! What a gateway reports: presence and topics, acknowledgements, receipts and answers.

use std::sync::{Arc, atomic::Ordering};

use bytes::BytesMut;
use protocol::link::{LinkAnswer, LinkError, PresenceChange, PresenceChanges, SILENCE, Up};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::{
    devices, failure::Failure, handle::Link, questions::Asking, relays, services::Services,
    unknown::Unknown,
};
use crate::engine::local::{presence::Epoch, topics::List};

/// Asked of the socket at once.
const READ_BYTES: usize = 64 * 1024;
/// After so many changes of presence the other links of the thread get their turn.
const CHANGES_IN_A_ROW: usize = 4096;

/// Takes in the frames of one connection.
pub(super) struct Reader {
    link: Arc<Link>,
    services: Arc<Services>,
    unknown: Unknown,
    asking: Asking,
    /// The snapshot that reports belong to.
    epoch: Epoch,
    /// Whether users of an older snapshot may be left.
    stale: bool,
    /// Whether a snapshot is under way.
    naming: bool,
    /// The list that topics belong to; none before it begins, and when they are too many.
    topics: Option<List>,
}

impl Reader {
    pub(super) fn new(link: Arc<Link>, services: Arc<Services>, asking: Asking) -> Self {
        let epoch = link.epoch();
        let unknown = Unknown::new(link.name(), &services.metrics);
        Self { epoch, link, services, unknown, asking, stale: false, naming: false, topics: None }
    }

    /// Reads until the connection ends.
    pub(super) async fn run(
        mut self,
        mut stream: impl AsyncRead + Unpin,
        mut arrived: BytesMut,
    ) -> Failure {
        loop {
            match Up::decode(&mut arrived) {
                Ok(Some(frame)) => match self.on_frame(frame).await {
                    Ok(()) => continue,
                    Err(failure) => return failure,
                },
                Ok(None) => {}
                Err(error) => return error.into(),
            }
            arrived.reserve(READ_BYTES);
            match tokio::time::timeout(SILENCE, stream.read_buf(&mut arrived)).await {
                Ok(Ok(0)) => return Failure::Closed,
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return error.into(),
                Err(_) => return Failure::Silent,
            }
        }
    }

    async fn on_frame(&mut self, frame: Up) -> Result<(), Failure> {
        match frame {
            Up::Presence { seq, changes } => {
                self.on_presence(&changes).await?;
                self.link.acknowledge_presence(seq);
            }
            Up::BatchAck { seq, queued_bytes } => {
                self.link.gateway_queued.store(queued_bytes, Ordering::Relaxed);
                self.link.acknowledge(seq);
            }
            Up::Receipt(receipt) => self.services.receipts.on_receipt(self.link.index, receipt),
            Up::Answer { request, body: LinkAnswer::Unsupported { name } } => {
                self.unknown.on_unsupported(&name);
                self.link.answers.fail(request);
            }
            Up::Answer { request, body } => self.link.answers.on_answer(request, body),
            Up::UnknownAnswer { request, name } => {
                self.unknown.on_answer(&name);
                self.link.answers.fail(request);
            }
            Up::FanOutWork(work) => self.link.fan_outs.told(work),
            Up::Relay { relay, body } => {
                relays::on_relay(&self.services, &self.link, relay, body);
            }
            Up::AskTime { asked_micros } => self.link.answer_time(asked_micros),
            Up::Store(theirs) => {
                self.services.keeping.told(self.link.index, &self.link.name(), theirs);
            }
            Up::StoreQuestion { question, body } => self.asking.on_question(question, body),
            Up::Load(load) => self.link.told_load(load),
            Up::Heartbeat => {}
            Up::Unknown { kind, .. } => self.unknown.on_frame(kind),
            Up::Welcome { .. } => return Err(Failure::NoWelcome),
        }
        Ok(())
    }

    async fn on_presence(&mut self, changes: &[u8]) -> Result<(), LinkError> {
        for (count, change) in (1_usize..).zip(PresenceChanges::new(changes)) {
            self.on_change(change?);
            if count.is_multiple_of(CHANGES_IN_A_ROW) {
                tokio::task::yield_now().await;
                devices::room(&self.services).await;
            }
        }
        devices::room(&self.services).await;
        Ok(())
    }

    fn on_change(&mut self, change: PresenceChange<'_>) {
        let (link, presence) = (&self.link, &self.services.presence);
        link.hear();
        match change {
            PresenceChange::SnapshotBegin => {
                self.naming = true;
                self.stale = link.users.load(Ordering::Relaxed) > 0;
                self.epoch = link.next_epoch();
            }
            PresenceChange::Came(user) => {
                let arrival = presence.came(user, link.index, self.epoch);
                if arrival.is_news {
                    link.users.fetch_add(1, Ordering::Relaxed);
                }
                if arrival.is_elsewhere && self.naming {
                    devices::on_named(&self.services, link, user);
                }
            }
            PresenceChange::Went(user) => {
                if presence.went(user, link.index) {
                    link.users.fetch_sub(1, Ordering::Relaxed);
                }
            }
            PresenceChange::SnapshotEnd => {
                self.naming = false;
                if std::mem::take(&mut self.stale) {
                    sweep(Arc::clone(link), Arc::clone(&self.services));
                }
                link.synced();
            }
            PresenceChange::Claimed { user, device, claim } => {
                devices::on_claim(&self.services, link, (user, device), claim);
            }
            PresenceChange::Chose(peer) => devices::on_chosen(&self.services, link, peer),
            PresenceChange::Left(peer) => devices::on_left(&self.services, link, peer),
            of_topics => self.on_topic(of_topics),
        }
    }

    fn on_topic(&mut self, change: PresenceChange<'_>) {
        let (link, topics) = (&self.link, &self.services.topics);
        match (change, self.topics) {
            (PresenceChange::TopicsBegin, _) => self.topics = Some(link.interest.begin_anew()),
            (PresenceChange::Wanted(topic), Some(list)) => {
                let is_remembered = topics.add(topic, link.index, &link.interest, list);
                if !is_remembered {
                    let gateway = link.name();
                    tracing::warn!(%gateway, "too many topics; it is sent pushes to all of them");
                    self.send_all_topics();
                }
            }
            (PresenceChange::Unwanted(topic), Some(_)) => {
                topics.remove(topic, link.index, &link.interest);
            }
            (PresenceChange::TopicsEnd, Some(list)) => {
                sweep_topics(link, &self.services);
                link.interest.complete(list);
            }
            (PresenceChange::AllTopics, _) => self.send_all_topics(),
            // It is not known where they belong, and they are not needed.
            _ => {}
        }
    }

    fn send_all_topics(&mut self) {
        self.topics = None;
        self.link.interest.begin_anew();
        sweep_topics(&self.link, &self.services);
    }
}

/// Forgets, beside the event loop, the topics of which the gateway told before its newest list.
pub(super) fn sweep_topics(link: &Arc<Link>, services: &Arc<Services>) {
    if link.interest.topics() > 0 {
        let (link, services) = (Arc::clone(link), Arc::clone(services));
        tokio::task::spawn_blocking(move || services.topics.sweep(link.index, &link.interest));
    }
}

/// Forgets, beside the event loop, the users the gateway had before its current epoch.
pub(super) fn sweep(link: Arc<Link>, services: Arc<Services>) {
    let epoch = link.epoch();
    tokio::task::spawn_blocking(move || {
        let gone = services.presence.sweep(link.index, epoch);
        link.users.fetch_sub(gone, Ordering::Relaxed);
    });
}
