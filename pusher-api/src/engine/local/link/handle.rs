//! One gateway as the rest of the process sees it: room to reserve, pushes to hand over, questions
//! to ask. It outlives connections and the actor that makes them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use parking_lot::Mutex;
use protocol::link::{Down, LinkAnswer, LinkRequest};
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    answers::Answers,
    outbox::{Batch, Freed, Outbox, Segment},
    room::Room,
    state::SharedState,
};
use crate::{
    engine::local::presence::{Epoch, GatewayIndex},
    status::{LinkState, Unanswered},
};

/// The shared side of the link to one gateway.
#[derive(Debug)]
pub(crate) struct Link {
    /// Which gateway this is in presence.
    pub index: GatewayIndex,
    /// Where it is.
    pub address: SocketAddr,
    /// Users it holds, as far as reported.
    pub users: AtomicUsize,
    /// Bytes that waited in the gateway for its sessions at the last acknowledgement.
    pub gateway_queued: AtomicU64,
    /// What it may still be sent.
    pub room: Room,
    pub(super) state: SharedState,
    pub(super) answers: Answers,
    /// Something is to be written.
    pub(super) work: Notify,
    sender: Uuid,
    open: AtomicBool,
    settled: AtomicBool,
    wanted: AtomicBool,
    epoch: AtomicU32,
    outgoing: Mutex<Outgoing>,
    peer: Mutex<Peer>,
}

#[derive(Debug, Default)]
struct Outgoing {
    outbox: Outbox,
    control: BytesMut,
    presence_ack: Option<u64>,
}

#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) name: Arc<str>,
    pub(super) instance: Option<Uuid>,
}

/// What the writer takes at once: small frames first, then at most one batch.
#[derive(Debug)]
pub(crate) struct Writable {
    pub(crate) control: BytesMut,
    pub(crate) batch: Option<Batch>,
}

impl Link {
    /// A gateway nobody has connected to so far.
    pub(crate) fn new(index: GatewayIndex, address: SocketAddr, bound: usize) -> Self {
        Self {
            index,
            address,
            users: AtomicUsize::new(0),
            gateway_queued: AtomicU64::new(0),
            state: SharedState::default(),
            answers: Answers::default(),
            work: Notify::new(),
            sender: Uuid::new_v4(),
            room: Room::new(bound),
            open: AtomicBool::new(false),
            settled: AtomicBool::new(false),
            wanted: AtomicBool::new(true),
            epoch: AtomicU32::new(0),
            outgoing: Mutex::default(),
            peer: Mutex::new(Peer { name: address.to_string().into(), instance: None }),
        }
    }

    /// What the gateway calls itself, or its address.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.peer.lock().name)
    }

    /// The gateway process last connected to.
    pub fn instance(&self) -> Option<Uuid> {
        self.peer.lock().instance
    }

    /// How the link is doing.
    pub(crate) fn state(&self) -> LinkState {
        self.state.get()
    }

    /// Identifies this process to the gateway. One for each link: a gateway reached under two
    /// addresses must not take the second link for a reconnect of the first.
    pub(crate) fn sender(&self) -> Uuid {
        self.sender
    }

    /// Whether pushes may be handed over: connected, or lost so recently that they are kept.
    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Whether its users are known, or connecting failed once and nothing is to be expected soon.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    pub(crate) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// Whether the configured names still stand for this address.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    pub(crate) fn want(&self, wanted: bool) {
        self.wanted.store(wanted, Ordering::Release);
    }

    pub(crate) fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    pub(crate) fn next_epoch(&self) -> Epoch {
        Epoch(self.epoch.fetch_add(1, Ordering::AcqRel).wrapping_add(1))
    }

    /// Hands over pushes for which room was reserved. Returns those nobody will take, because
    /// the gateway was given up meanwhile.
    pub fn enqueue(&self, segment: Segment) -> Freed {
        let mut outgoing = self.outgoing.lock();
        if self.is_open() {
            outgoing.outbox.push(segment);
            drop(outgoing);
            self.work.notify_one();
            return Freed::default();
        }
        drop(outgoing);
        let lost = Freed { bytes: segment.bytes.len(), pushes: segment.pushes };
        self.room.release(lost.bytes);
        lost
    }

    /// Connected: decides what is sent again. Returns what was for sessions that are gone.
    pub fn welcome(&self, instance: Uuid, last_seq: u64, name: &str) -> Freed {
        let mut peer = self.peer.lock();
        let same = peer.instance == Some(instance);
        *peer = Peer { name: name.into(), instance: Some(instance) };
        drop(peer);
        let mut outgoing = self.outgoing.lock();
        outgoing.control.clear();
        outgoing.presence_ack = None;
        let (acknowledged, lost) = match same {
            true => (outgoing.outbox.resume(last_seq), Freed::default()),
            false => (Freed::default(), outgoing.outbox.restart(last_seq)),
        };
        self.open.store(true, Ordering::Release);
        self.state.set(LinkState::Syncing);
        drop(outgoing);
        self.room.release(acknowledged.bytes + lost.bytes);
        self.work.notify_one();
        lost
    }

    /// Every user of the gateway is known.
    pub(crate) fn synced(&self) {
        self.state.set(LinkState::Up);
        self.settle();
    }

    pub(crate) fn acknowledge(&self, seq: u64) {
        let freed = self.outgoing.lock().outbox.acknowledge(seq);
        self.room.release(freed.bytes);
    }

    pub(crate) fn acknowledge_presence(&self, seq: u64) {
        self.outgoing.lock().presence_ack = Some(seq);
        self.work.notify_one();
    }

    pub(crate) fn heartbeat(&self) {
        Down::Heartbeat.encode(&mut self.outgoing.lock().control);
    }

    /// The connection is gone. Pushes are still taken, until [`Self::give_up`].
    pub(crate) fn lost(&self) {
        self.answers.fail_all();
        if self.state() != LinkState::Connecting {
            self.state.set(LinkState::Lost);
        }
    }

    /// Drops what the gateway would have got. Returns what that was.
    pub(crate) fn give_up(&self) -> Freed {
        let mut outgoing = self.outgoing.lock();
        self.open.store(false, Ordering::Release);
        let freed = outgoing.outbox.clear();
        drop(outgoing);
        self.room.release(freed.bytes);
        freed
    }

    pub(crate) fn take_writable(&self) -> Option<Writable> {
        let mut outgoing = self.outgoing.lock();
        if let Some(seq) = outgoing.presence_ack.take() {
            Down::PresenceAck { seq }.encode(&mut outgoing.control);
        }
        let control = outgoing.control.split();
        let batch = outgoing.outbox.next_batch();
        (batch.is_some() || !control.is_empty()).then_some(Writable { control, batch })
    }

    /// Asks the gateway and waits for its answer, at most this long.
    ///
    /// # Errors
    /// No connection, or no answer in time.
    pub(crate) async fn ask(
        &self,
        body: LinkRequest,
        patience: Duration,
    ) -> Result<LinkAnswer, Unanswered> {
        let unanswered = || Unanswered(self.name().to_string());
        if !matches!(self.state(), LinkState::Syncing | LinkState::Up) {
            return Err(unanswered());
        }
        let mut expected = self.answers.expect().ok_or_else(unanswered)?;
        let frame = Down::Request { request: expected.request, body };
        frame.encode(&mut self.outgoing.lock().control);
        self.work.notify_one();
        match tokio::time::timeout(patience, &mut expected.answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(unanswered()),
        }
    }
}
