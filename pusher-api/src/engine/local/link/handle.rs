//! One gateway as the rest of the process sees it: room to reserve, pushes to hand over, questions
//! to ask. It outlives connections and the actor that makes them.

mod small;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use protocol::link::{GivenUp, Load, TargetRef};
use tokio::{sync::Notify, time::Instant};
use uuid::Uuid;

use super::{
    answers::Answers,
    fan_out::FanOutRoom,
    missed::Missed,
    outbox::{Freed, Segment},
    outgoing::Outgoing,
    peer::Peer,
    room::Room,
    standing::{Event, SharedStanding, Standing},
};
use crate::{
    engine::local::{presence::Epoch, topics::Interest},
    status::{GatewayIndex, LinkState},
};

/// What a gateway may be sent at the most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Bytes that it has not acknowledged.
    pub queue: usize,
    /// How long it may have to do with pushes to topics and to everybody.
    pub fan_outs: Duration,
}

#[cfg(test)]
impl Bounds {
    /// So many bytes, and two seconds of fan-outs.
    pub(crate) fn of_queue(queue: usize) -> Self {
        Self { queue, fan_outs: Duration::from_secs(2) }
    }
}

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
    /// How many pushes to topics and to everybody it may still be sent.
    pub fan_outs: FanOutRoom,
    /// Which topics it is sent pushes to.
    pub interest: Interest,
    pub(super) answers: Answers,
    /// How many changes of presence were taken in on this connection.
    heard: AtomicU64,
    /// How many requests are being passed on for the gateway.
    relays: AtomicUsize,
    /// Whether the gateway can be asked for what others pass on.
    takes_relays: AtomicBool,
    /// Whether it is told of pushes that are kept, and asks for them.
    keeps: AtomicBool,
    /// What it has and can take, as it has told on this connection.
    load: Mutex<Option<Load>>,
    /// Small frames have been taken to be written.
    pub(super) eased: Notify,
    /// Something is to be written.
    pub(super) work: Notify,
    /// The standing has changed.
    moved: Notify,
    /// How many links there are whose gateways may hold anybody.
    loose: Arc<AtomicUsize>,
    /// Who is to be told that a live push was given up.
    missed: Mutex<Missed>,
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
    /// Since when the link has not been in step; none while it is.
    out_of_step: Option<Instant>,
    epoch: Epoch,
    outgoing: Outgoing,
}

impl Link {
    /// A gateway nobody has connected to so far.
    pub(crate) fn new(
        index: GatewayIndex,
        address: SocketAddr,
        bounds: Bounds,
        loose: Arc<AtomicUsize>,
    ) -> Self {
        let (standing, outgoing) = (Standing::default(), Outgoing::default());
        Self {
            index,
            address,
            users: AtomicUsize::new(0),
            gateway_queued: AtomicU64::new(0),
            answers: Answers::default(),
            heard: AtomicU64::new(0),
            relays: AtomicUsize::new(0),
            takes_relays: AtomicBool::new(false),
            keeps: AtomicBool::new(false),
            load: Mutex::default(),
            eased: Notify::new(),
            work: Notify::new(),
            moved: Notify::new(),
            loose,
            missed: Mutex::default(),
            sender: Uuid::new_v4(),
            room: Room::new(bounds.queue),
            fan_outs: FanOutRoom::new(bounds.fan_outs),
            interest: Interest::default(),
            standing: SharedStanding::default(),
            inner: Mutex::new(Inner {
                standing,
                wanted: true,
                out_of_step: Some(Instant::now()),
                epoch: Epoch(0),
                outgoing,
            }),
            peer: Mutex::new(Peer::unknown(address)),
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

    /// Where the gateway has the link that is used, if this is another address of it.
    pub(crate) fn alias_of(&self) -> Option<SocketAddr> {
        self.peer.lock().alias_of.filter(|_| self.state() == LinkState::Alias)
    }

    /// Whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.standing.get().is_connected()
    }

    /// Whether pushes may be handed over: connected, or lost so recently that they are kept.
    pub(crate) fn is_open(&self) -> bool {
        self.standing.get().is_open()
    }

    /// Whether every user of the gateway is known here. While the link is open and this is not so,
    /// the gateway may hold anybody.
    pub(crate) fn is_in_step(&self) -> bool {
        self.standing.get().is_in_step()
    }

    /// Whether the gateway may hold sessions that it cannot be reached for.
    pub(crate) fn is_given_up(&self) -> bool {
        self.standing.get().is_given_up()
    }

    /// Since when the link has not been in step; none while it is, or while it is not used.
    pub(crate) fn out_of_step(&self) -> Option<Instant> {
        self.inner.lock().out_of_step
    }

    /// Waits for a connection; the caller bounds it. Never, if the link is given up.
    pub(super) async fn connected(&self) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Registered before looking, so that no change in between is missed.
            moved.as_mut().enable();
            if self.is_connected() {
                return;
            }
            moved.await;
        }
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
        self.drop_segments(&[segment])
    }

    fn drop_segments(&self, segments: &[Segment]) -> Freed {
        self.missed.lock().add_segments(segments);
        let lost = Freed::of(segments);
        self.release(lost);
        lost
    }

    /// A push for these was accepted and cannot be handed over.
    pub(crate) fn miss(&self, target: &TargetRef<'_>) {
        self.missed.lock().add(target);
        self.work.notify_one();
    }

    /// Who is to be told that pushes were given up; they are told once.
    pub(crate) fn take_missed(&self) -> Option<GivenUp> {
        self.missed.lock().take()
    }

    /// Who is to be told by this gateway, too: it could not be told so far.
    pub(super) fn add_missed(&self, missed: GivenUp) {
        self.missed.lock().add_all(missed);
    }

    /// Connected: decides what is sent again. Returns what was for sessions that are gone.
    pub(crate) fn welcome(&self, instance: Uuid, last_seq: u64, name: &str) -> Freed {
        let same = self.peer.lock().become_process(instance, name);
        self.heard.store(0, Ordering::Release);
        *self.load.lock() = None;
        // What was asked while there was no connection is not sent.
        self.answers.fail_all();
        if !same {
            // Whoever missed something is gone with the process.
            *self.missed.lock() = Missed::default();
        }
        let mut inner = self.inner.lock();
        let (acknowledged, lost) = match same {
            true => (inner.outgoing.resume(last_seq), Freed::default()),
            false => (Freed::default(), inner.outgoing.restart(last_seq)),
        };
        self.on_event(&mut inner, Event::Welcomed);
        drop(inner);
        self.fan_outs.forget();
        self.release(acknowledged);
        self.release(lost);
        self.work.notify_one();
        lost
    }

    /// The gateway behind the address is this one, and has a link at the other address.
    pub(super) fn alias(&self, instance: Uuid, name: &str, other: SocketAddr) {
        let mut peer = self.peer.lock();
        peer.become_process(instance, name);
        peer.alias_of = Some(other);
        drop(peer);
        self.on_event(&mut self.inner.lock(), Event::Aliased);
    }

    /// Every user of the gateway is known.
    pub(crate) fn synced(&self) {
        self.on_event(&mut self.inner.lock(), Event::Synced);
    }

    /// The connection is gone, or could not be made. Pushes are still taken, until
    /// [`Self::give_up`]. Returns how the link was doing before.
    pub(crate) fn ended(&self) -> LinkState {
        let before = self.on_event(&mut self.inner.lock(), Event::Ended).state();
        self.answers.fail_all();
        // Somebody may subscribe there, and be told so, without its being heard of here.
        self.interest.begin_anew();
        // Nobody knows any more, and a gateway that comes back tells anew.
        self.gateway_queued.store(0, Ordering::Relaxed);
        before
    }

    /// Drops what the gateway would have got. Returns what that was.
    pub(crate) fn give_up(&self) -> Freed {
        let mut inner = self.inner.lock();
        self.on_event(&mut inner, Event::GivenUp);
        let dropped = inner.outgoing.outbox.clear();
        drop(inner);
        self.drop_segments(&dropped)
    }

    fn release(&self, freed: Freed) {
        self.room.release(freed);
        self.fan_outs.give_back(freed.fan_outs);
    }

    /// Takes the event into account, also for those who look without the lock. Returns how the
    /// link stood before.
    fn on_event(&self, inner: &mut Inner, event: Event) -> Standing {
        let before = inner.standing;
        inner.standing = before.after(event);
        inner.out_of_step = match inner.standing {
            Standing::Up | Standing::Alias => None,
            _ => inner.out_of_step.or_else(|| Some(Instant::now())),
        };
        self.standing.set(inner.standing);
        match (before.is_loose(), inner.standing.is_loose()) {
            (false, true) => drop(self.loose.fetch_add(1, Ordering::AcqRel)),
            (true, false) => drop(self.loose.fetch_sub(1, Ordering::AcqRel)),
            (false, false) | (true, true) => {}
        }
        self.moved.notify_waiters();
        before
    }

    /// How long the oldest push has been there that the gateway has not acknowledged; zero where
    /// there is none.
    pub(crate) fn oldest_unacknowledged(&self) -> Duration {
        let oldest = self.inner.lock().outgoing.outbox.oldest();
        oldest.map_or(Duration::ZERO, |since| since.elapsed())
    }

    pub(crate) fn acknowledge(&self, seq: u64) {
        let freed = self.inner.lock().outgoing.outbox.acknowledge(seq);
        self.release(freed);
        // There is room for more on its way.
        self.work.notify_one();
    }
}
