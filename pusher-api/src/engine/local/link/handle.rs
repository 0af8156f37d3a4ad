//! One gateway as the rest of the process sees it: room to reserve, pushes to hand over, questions
//! to ask. It outlives connections and the actor that makes them.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize},
    },
};

use parking_lot::Mutex;
use protocol::link::LinkRequest;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{
    answers::Answers,
    outbox::{Freed, Segment},
    outgoing::{Outgoing, Writable},
    room::Room,
    standing::{Event, SharedStanding, Standing},
};
use crate::{
    engine::local::presence::{Epoch, GatewayIndex},
    status::LinkState,
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
    pub(super) answers: Answers,
    /// Something is to be written.
    pub(super) work: Notify,
    sender: Uuid,
    /// Changed under the lock of `inner` only, together with the one there.
    standing: SharedStanding,
    inner: Mutex<Inner>,
    peer: Mutex<Peer>,
}

#[derive(Debug)]
struct Inner {
    standing: Standing,
    /// Whether the configured names still stand for this address.
    wanted: bool,
    epoch: Epoch,
    outgoing: Outgoing,
}

#[derive(Debug)]
struct Peer {
    name: Arc<str>,
    instance: Option<Uuid>,
}

impl Link {
    /// A gateway nobody has connected to so far.
    pub(crate) fn new(index: GatewayIndex, address: SocketAddr, bound: usize) -> Self {
        let (standing, outgoing) = (Standing::default(), Outgoing::default());
        Self {
            index,
            address,
            users: AtomicUsize::new(0),
            gateway_queued: AtomicU64::new(0),
            answers: Answers::default(),
            work: Notify::new(),
            sender: Uuid::new_v4(),
            room: Room::new(bound),
            standing: SharedStanding::default(),
            inner: Mutex::new(Inner { standing, wanted: true, epoch: Epoch(0), outgoing }),
            peer: Mutex::new(Peer { name: address.to_string().into(), instance: None }),
        }
    }

    /// What the gateway calls itself, or its address.
    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.peer.lock().name)
    }

    /// The gateway process last connected to.
    pub(crate) fn instance(&self) -> Option<Uuid> {
        self.peer.lock().instance
    }

    /// How the link is doing.
    pub(crate) fn state(&self) -> LinkState {
        self.standing.get().state()
    }

    /// Whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        self.standing.get().is_connected()
    }

    /// Whether pushes may be handed over: connected, or lost so recently that they are kept.
    pub(crate) fn is_open(&self) -> bool {
        self.standing.get().is_open()
    }

    /// Whether its users are known, or connecting failed once and nothing is to be expected soon.
    pub(crate) fn is_settled(&self) -> bool {
        self.standing.get().is_settled()
    }

    /// Identifies this process to the gateway. One for each link: a gateway reached under two
    /// addresses must not take the second link for a reconnect of the first.
    pub(crate) fn sender(&self) -> Uuid {
        self.sender
    }

    /// Whether the configured names still stand for this address.
    pub(crate) fn is_wanted(&self) -> bool {
        self.inner.lock().wanted
    }

    pub(crate) fn want(&self, wanted: bool) {
        self.inner.lock().wanted = wanted;
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.inner.lock().epoch
    }

    pub(crate) fn next_epoch(&self) -> Epoch {
        let mut inner = self.inner.lock();
        inner.epoch = inner.epoch.next();
        inner.epoch
    }

    /// Hands over pushes for which room was reserved. Returns those nobody will take, because
    /// the gateway was given up meanwhile.
    pub(crate) fn enqueue(&self, segment: Segment) -> Freed {
        let mut inner = self.inner.lock();
        if inner.standing.is_open() {
            inner.outgoing.outbox.push(segment);
            drop(inner);
            self.work.notify_one();
            return Freed::default();
        }
        drop(inner);
        let lost = Freed { bytes: segment.bytes.len(), pushes: segment.pushes };
        self.room.release(lost.bytes);
        lost
    }

    /// Connected: decides what is sent again. Returns what was for sessions that are gone.
    pub(crate) fn welcome(&self, instance: Uuid, last_seq: u64, name: &str) -> Freed {
        let same = self.peer.lock().become_process(instance, name);
        let mut inner = self.inner.lock();
        let (acknowledged, lost) = match same {
            true => (inner.outgoing.resume(last_seq), Freed::default()),
            false => (Freed::default(), inner.outgoing.restart(last_seq)),
        };
        self.on_event(&mut inner, Event::Welcomed);
        drop(inner);
        self.room.release(acknowledged.bytes + lost.bytes);
        self.work.notify_one();
        lost
    }

    /// Every user of the gateway is known.
    pub(crate) fn synced(&self) {
        self.on_event(&mut self.inner.lock(), Event::Synced);
    }

    /// The connection is gone, or could not be made. Pushes are still taken, until
    /// [`Self::give_up`]. Returns how the link was doing before.
    pub(crate) fn ended(&self) -> LinkState {
        self.answers.fail_all();
        self.on_event(&mut self.inner.lock(), Event::Ended).state()
    }

    /// Drops what the gateway would have got. Returns what that was.
    pub(crate) fn give_up(&self) -> Freed {
        let mut inner = self.inner.lock();
        self.on_event(&mut inner, Event::GivenUp);
        let freed = inner.outgoing.outbox.clear();
        drop(inner);
        self.room.release(freed.bytes);
        freed
    }

    /// Takes the event into account, also for those who look without the lock. Returns how the
    /// link stood before.
    fn on_event(&self, inner: &mut Inner, event: Event) -> Standing {
        let before = inner.standing;
        inner.standing = before.after(event);
        self.standing.set(inner.standing);
        before
    }

    pub(crate) fn acknowledge(&self, seq: u64) {
        let freed = self.inner.lock().outgoing.outbox.acknowledge(seq);
        self.room.release(freed.bytes);
    }

    pub(crate) fn acknowledge_presence(&self, seq: u64) {
        self.inner.lock().outgoing.acknowledge_presence(seq);
        self.work.notify_one();
    }

    pub(super) fn request(&self, request: u64, body: LinkRequest) {
        self.inner.lock().outgoing.request(request, body);
        self.work.notify_one();
    }

    pub(crate) fn heartbeat(&self) {
        self.inner.lock().outgoing.heartbeat();
    }

    pub(crate) fn take_writable(&self) -> Option<Writable> {
        self.inner.lock().outgoing.take()
    }
}

impl Peer {
    /// Takes note of the gateway process; returns whether it is the one before.
    fn become_process(&mut self, instance: Uuid, name: &str) -> bool {
        let same = self.instance == Some(instance);
        *self = Self { name: name.into(), instance: Some(instance) };
        same
    }
}
