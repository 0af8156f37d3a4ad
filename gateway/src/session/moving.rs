//! A session on its way to another process: written into a record, and made of one again.
//!
//! Its mailbox is empty by then and it has every fan-out, so that what the record says is all of it. It keeps its id,
//! and nobody is told that it has gone or come.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpStream},
    os::fd::{AsFd, BorrowedFd},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix::{Addr, dev::channel};
use protocol::{CloseReason, TopicPattern};
use tracing::debug;

use super::{
    allowance::Allowance,
    context::{Runner, SessionContext},
    kept::Replay,
    mailbox::SessionGate,
    membership::Membership,
    poller::Poller,
    queue::OutboundQueue,
    state::{Address, Local, Rare, Session, Sign, Stage},
};
use crate::{
    access::admission::Permit,
    delivery::{frame::SharedFrame, walks::Seen},
    handover::{
        giver::Frames,
        records::{
            Bytes, IncomingRecord, PollerRecord, QueueRecord, SessionRecord, SignRecord,
            StageRecord, read, written,
        },
    },
    runtime::{
        clock::ticks,
        wheel::{NEVER, TICK},
    },
    transports::inbound::Assembly,
};

/// A session of another process, on its way to a seat.
pub(crate) struct Resumed<'a> {
    /// What it is.
    pub record: SessionRecord,
    /// Its connection, if it has one.
    pub socket: Option<TcpStream>,
    /// Frames that it may name.
    pub frames: &'a HashMap<u64, SharedFrame>,
    /// Its room.
    pub permit: Permit,
}

impl Runner {
    /// The session as it is given to another process, and its connection; nothing if it does not go: the gateway's
    /// own, those that are gone, and those of TLS, whose keys stay here: they are told `draining`.
    pub(crate) fn record(
        &self,
        frames: &mut Frames,
    ) -> Option<(SessionRecord, Option<BorrowedFd<'_>>)> {
        let session = self.session();
        let is_sealed = session.rare.as_ref().is_some_and(|rare| rare.tls.is_some());
        if !session.member.is_client() || session.stage == Stage::Gone || is_sealed {
            return None;
        }
        Some((session.record(frames), session.connection()))
    }

    /// Its connection, if it has one.
    pub(crate) fn connection(&self) -> Option<BorrowedFd<'_>> {
        self.session().connection()
    }

    /// Makes a session of what another process has given, to be seated and given its first turn.
    pub(crate) fn resume(local: &Rc<Local>, seat: u32, resumed: Resumed<'_>) -> Option<Self> {
        let (sender, mailbox) = channel::channel::<Session>(0);
        let address = Addr::new(sender).downgrade();
        let session = Session::resume(local, seat, resumed, &address)?;
        Some(Self::new(session, SessionContext::new(mailbox), local.calls.waker(seat)))
    }
}

impl Session {
    /// Lets go of receipts for pushes that wait here: what became of them was said when they came.
    pub(crate) fn let_go_of_receipts(&mut self) {
        let rare = self.rare.iter_mut();
        rare.flat_map(|rare| &mut rare.replays).for_each(Replay::let_go_of_receipts);
    }

    fn connection(&self) -> Option<BorrowedFd<'_>> {
        self.socket.as_ref().map(AsFd::as_fd)
    }

    fn record(&self, frames: &mut Frames) -> SessionRecord {
        let (local, member) = (self.local(), &self.member);
        let (clock, rare) = (&local.clock, self.rare.as_deref());
        let poller = local.pollers.borrow().get(&member.seat).map(|poller| poller.record());
        SessionRecord {
            id: member.id,
            transport: member.transport,
            user: member.user.clone(),
            device: self.device(),
            topics: local.walks.borrow().subscribers.names_of(member.seat),
            subscribable: rare.map_or_else(Vec::new, subscribable),
            expires: (self.expires != NEVER).then_some(self.expires),
            began_ms: u64::from(self.since) * TICK.as_millis() as u64,
            stage: match self.stage {
                Stage::Joining => StageRecord::Joining,
                Stage::Live => StageRecord::Live,
                Stage::Closing | Stage::Gone => StageRecord::Closing,
            },
            reason: self.reason.map(|reason| reason.as_str().to_owned()),
            sign: match self.sign {
                Sign::NotAsked => SignRecord::NotAsked,
                Sign::Given => SignRecord::Given,
                Sign::Owed => SignRecord::Owed,
            },
            ping_ms: clock.millis_until(self.ping_due),
            allowance: self.allowance.left(&local.settings, local.tick()),
            is_deaf: self.allowance.deaf,
            has_socket: self.socket.is_some(),
            client: local.addresses.borrow().get(member.seat).map(SocketAddr::from),
            place: local.places.borrow().get(member.seat).map(written),
            queue: self.queue_record(frames),
            incoming: rare.map_or_else(IncomingRecord::default, |rare| self.incoming_record(rare)),
            is_gated: rare.is_some_and(|rare| rare.gates > 0),
            ids: rare.map_or_else(Vec::new, |rare| {
                rare.ids.iter().map(|(log, place)| (*log, place.map(written))).collect()
            }),
            replays: rare.map_or_else(Vec::new, |rare| {
                rare.replays.iter().map(|replay| replay.record(frames)).collect()
            }),
            poller,
        }
    }

    fn queue_record(&self, frames: &mut Frames) -> QueueRecord {
        let Some(rare) = self.rare.as_ref().filter(|rare| !rare.outbound.is_empty()) else {
            return QueueRecord::default();
        };
        let write_ms = (rare.write_deadline != NEVER)
            .then(|| self.local().clock.millis_until(rare.write_deadline));
        QueueRecord { write_ms, ..rare.outbound.record(self.wire(), frames) }
    }

    fn incoming_record(&self, rare: &Rare) -> IncomingRecord {
        let message = rare.assembly.as_ref();
        IncomingRecord {
            bytes: Bytes(rare.partial.clone()),
            has_more: rare.backlog,
            message: message.map(|message| (message.kind(), Bytes(message.bytes.clone()))),
            whole_ms: rare.whole_by.map(|tick| self.local().clock.millis_until(tick)),
        }
    }

    fn resume(
        local: &Rc<Local>,
        seat: u32,
        resumed: Resumed<'_>,
        address: &Address,
    ) -> Option<Self> {
        let Resumed { mut record, socket, frames, permit } = resumed;
        let (user, device) = (record.user.take(), record.device.take());
        let entered = Membership::enter_as(
            record.id,
            usize::MAX,
            local,
            seat,
            record.transport,
            user,
            device.clone(),
            address,
            Some(permit),
        );
        // Nobody has more than that.
        let (member, _) = entered.ok()?;
        let mut session = Self::of_record(member, socket, &record);
        if let Some(poller) = &record.poller {
            session.resume_poller(poller, device.as_ref(), address);
        }
        session.resume_rare(&mut record, frames, address);
        session.resume_topics(&record);
        session.schedule();
        debug!(session = %session.member.id, "session taken over");
        Some(session)
    }

    fn of_record(
        member: Membership<Address>,
        socket: Option<TcpStream>,
        record: &SessionRecord,
    ) -> Self {
        let local = Rc::clone(&member.local);
        let (clock, now) = (local.clock, local.tick());
        if let Some(place) = record.place {
            local.places.borrow_mut().set(member.seat, read(place));
        }
        if let Some(client) = record.client {
            local.addresses.borrow_mut().note(member.seat, client.into());
        }
        let named = |reason: &CloseReason| Some(reason.as_str()) == record.reason.as_deref();
        let mut session = Self {
            socket,
            rare: None,
            due: NEVER,
            since: ticks(Duration::from_millis(record.began_ms)),
            expires: record.expires.unwrap_or(NEVER),
            ping_due: clock.tick_in(record.ping_ms),
            seen: Seen::through(local.fan_out.last()),
            allowance: Allowance::resumed(record.allowance, record.is_deaf, now),
            stage: match record.stage {
                StageRecord::Joining => Stage::Joining,
                StageRecord::Live => Stage::Live,
                StageRecord::Closing => Stage::Closing,
            },
            reason: CloseReason::ALL.into_iter().find(named),
            sign: match record.sign {
                SignRecord::NotAsked => Sign::NotAsked,
                SignRecord::Given => Sign::Given,
                SignRecord::Owed => Sign::Owed,
            },
            blocked: false,
            member,
        };
        if session.stage == Stage::Closing {
            // It had left all tables before it was given.
            session.member.leave();
        }
        session
    }

    fn resume_poller(
        &self,
        record: &PollerRecord,
        device: Option<&protocol::Device>,
        address: &Address,
    ) {
        let Some(user) = &self.member.user else { return };
        let polls = &self.local().directory.polls;
        let poller = Poller::resumed(polls.owner(user, device), record);
        self.local().pollers.borrow_mut().insert(self.member.seat, Box::new(poller));
        polls.enter(self.member.id, address.clone());
    }

    fn resume_rare(
        &mut self,
        record: &mut SessionRecord,
        frames: &HashMap<u64, SharedFrame>,
        address: &Address,
    ) {
        let local = Rc::clone(&self.member.local);
        let patterns = record.subscribable.iter().filter_map(|text| text.parse().ok());
        self.set_subscribable(patterns.collect());
        let (queue, incoming) =
            (std::mem::take(&mut record.queue), std::mem::take(&mut record.incoming));
        if !queue.chunks.is_empty() {
            let write_ms = queue.write_ms;
            let outbound = OutboundQueue::resumed(queue, self.wire(), frames);
            let rare = self.rare();
            rare.outbound = outbound;
            rare.write_deadline = write_ms.map_or(NEVER, |millis| local.clock.tick_in(millis));
        }
        self.resume_incoming(incoming);
        if !record.ids.is_empty() {
            let ids = record.ids.iter().map(|(log, place)| (*log, place.map(read)));
            self.rare().ids = ids.collect();
        }
        for replay in std::mem::take(&mut record.replays) {
            let replay = Replay::resumed(replay, frames);
            if replay.is_to_be_called_back() {
                local.directory.stores.strand();
            }
            self.rare().replays.push(replay);
        }
        if record.is_gated && self.stage < Stage::Closing {
            self.rare().gates = 1;
            let gate = SessionGate(address.clone());
            local.directory.presence.open_when_confirmed(Arc::new(gate));
        }
    }

    fn resume_incoming(&mut self, incoming: IncomingRecord) {
        if incoming == IncomingRecord::default() {
            return;
        }
        let IncomingRecord { bytes, has_more, message, whole_ms } = incoming;
        let whole_by = whole_ms.map(|millis| self.local().clock.tick_in(millis));
        let rare = self.rare();
        rare.partial = bytes.0;
        rare.backlog = has_more;
        rare.assembly = message.and_then(|(kind, bytes)| Assembly::resumed(kind, bytes.0));
        rare.whole_by = whole_by;
    }

    /// Subscribes it as it was. Where there is no memory for that, it has to come back.
    fn resume_topics(&mut self, record: &SessionRecord) {
        if self.stage >= Stage::Closing {
            return;
        }
        for topic in &record.topics {
            if self.member.subscribe(topic, usize::MAX).is_err() {
                return self.close(CloseReason::Overloaded);
            }
        }
    }
}

fn subscribable(rare: &Rare) -> Vec<String> {
    rare.subscribable.iter().map(TopicPattern::to_string).collect()
}
