//! The beginning of a session: entered in the tables, and run from then on.

use std::{rc::Rc, sync::Arc};

use actix::{Addr, WeakAddr, dev::channel};
use bytes::BytesMut;
use protocol::{CloseReason, Device, Topic, TopicPattern, Transport, UserId};
use tracing::debug;

use super::{
    allowance::Allowance,
    context::{Runner, SessionContext},
    deadlines::first_ping,
    kept::Cursors,
    mailbox::{Close, Look, SessionGate},
    membership::Membership,
    state::{Address, Local, Rare, Session, Sign, Stage},
};
use crate::{
    access::{admission::Permit, identity::Identity},
    delivery::walks::Seen,
    runtime::wheel::NEVER,
    tls::Socket,
    transports::table::wire,
};

/// Most sessions of a user that are looked at together.
const LOOKED_AT: usize = 64;

/// Has a user's sessions show that they are there, so that those that are not soon make room: the user
/// is not to be locked out by connections that are long gone.
fn look_at_sessions(local: &Local, user: Option<&UserId>) {
    let Some(user) = user else { return };
    let mut addresses = Vec::new();
    local
        .directory
        .registry
        .visit(user.as_str(), |session| addresses.push(session.address.clone()));
    // Another few each time, where there are very many.
    fastrand::shuffle(&mut addresses);
    let there = addresses.iter().take(LOOKED_AT).filter_map(WeakAddr::upgrade);
    there.for_each(|session| session.do_send(Look));
}

/// Who comes.
pub(crate) enum Client {
    /// A user, who gets pushes.
    User(Identity),
    /// Somebody who gets back what they send.
    Echo {
        /// When its token ends: seconds since the Unix epoch.
        expires: Option<u64>,
    },
}

/// What a session is made of whoever comes.
#[derive(Default)]
struct Parts {
    user: Option<UserId>,
    device: Option<Device>,
    topics: Vec<Topic>,
    subscribable: Vec<TopicPattern>,
    expires: Option<u64>,
}

impl Client {
    fn into_parts(self) -> Parts {
        match self {
            Self::User(Identity { user, device, topics, subscribable, expires }) => {
                Parts { user: Some(user), device, topics, subscribable, expires }
            }
            Self::Echo { expires } => Parts { expires, ..Parts::default() },
        }
    }
}

/// An admitted client on its way to being a session.
pub(crate) struct Joining {
    /// The connection, which the worker waits for; none if it asks by requests.
    pub socket: Option<Socket>,
    /// The seat that was kept for it.
    pub seat: u32,
    /// What it speaks.
    pub transport: Transport,
    /// What it has sent already behind its handshake.
    pub read: BytesMut,
    /// What it must be sent before its first frame.
    pub greeting: Vec<u8>,
    /// Who it is.
    pub client: Client,
    /// Where its client was in what is kept.
    pub after: Cursors,
    /// Its room; none for the gateway's own sessions, which are not counted.
    pub permit: Option<Permit>,
}

impl Session {
    /// Registers the client and starts its actor, which is handed back to be seated and given its
    /// first turn. Dropped instead, it leaves all tables again.
    ///
    /// # Errors
    /// Hands the connection back if the user has too many sessions.
    pub(crate) fn start(local: &Rc<Local>, joining: Joining) -> Result<Runner, Option<Socket>> {
        let Joining { socket, seat, transport, mut read, greeting, client, after, permit } =
            joining;
        let Parts { user, device, topics, subscribable, expires } = client.into_parts();
        let (sender, mailbox) = channel::channel::<Self>(0);
        let address = Addr::new(sender).downgrade();
        // Before the session is entered, so that a fan-out started in between reaches it.
        let seen = Seen::through(local.fan_out.last());
        let (name, own_device) = (user.clone(), socket.is_none().then(|| device.clone()));
        let entered = Membership::enter(local, seat, transport, user, device, &address, permit);
        let Ok((member, replaced)) = entered else {
            look_at_sessions(local, name.as_ref());
            return Err(socket);
        };
        if let Some(older) = replaced.and_then(|older| older.upgrade()) {
            older.do_send(Close(CloseReason::Replaced));
        }
        let mut session = Self::new(member, socket, seen);
        if let Some(device) = own_device {
            session.enter_pollers(device.as_ref(), &address);
        }
        let mut context = SessionContext::new(mailbox);
        session.greet(greeting, &after);
        session.set_subscribable(subscribable);
        session.subscribe_at_start(&topics, &after);
        session.set_expiry(expires);
        if !read.is_empty() {
            session.on_first_bytes(&mut read, &mut context);
        }
        if session.stage == Stage::Joining {
            session.rare().gates += 1;
            local.directory.presence.open_when_confirmed(Arc::new(SessionGate(address)));
        }
        Ok(Runner::new(session, context, local.calls.waker(seat)))
    }

    fn new(member: Membership<Address>, socket: Option<Socket>, seen: Seen) -> Self {
        let now = member.local.tick();
        let interval = member.local.settings.ping_interval;
        let ping_due = first_ping(now, interval, member.seat);
        let allowance = Allowance::new(&member.local.settings, now);
        let sign = match wire(member.transport).answers_pings() {
            true => Sign::Given,
            false => Sign::NotAsked,
        };
        let (socket, mut tls) =
            socket.map_or((None, None), |Socket { stream, tls }| (Some(stream), tls));
        if let Some(tls) = tls.as_mut().filter(|_| member.is_client()) {
            tls.count(&member.local.metrics.tls.sessions);
        }
        Self {
            // Nobody pushes to an echo session or to the gateway's own, so nobody has to know first.
            stage: match member.user.is_some() && member.is_client() {
                true => Stage::Joining,
                false => Stage::Live,
            },
            reason: None,
            member,
            socket,
            rare: tls.map(|tls| Box::new(Rare { tls: Some(tls), ..Rare::default() })),
            due: NEVER,
            since: now,
            expires: NEVER,
            ping_due,
            seen,
            allowance,
            sign,
            blocked: false,
        }
    }

    /// Prepares the greeting and, for a user, the hello: they go out together, but for a hello that says what is
    /// kept, which waits for the store.
    fn greet(&mut self, mut greeting: Vec<u8>, after: &Cursors) {
        let gap = self.begin_with(after);
        let waits = self.waits_for_store();
        if let Some(hello) = self.hello(None, false, 0).filter(|_| !waits) {
            self.wire().encode(&hello, &mut greeting);
        }
        debug!(session = %self.member.id, transport = self.member.transport.as_str(), "session opened");
        if !greeting.is_empty() {
            self.send_anyway(greeting);
        }
        // Without the answer to its handshake a client could not even read a goodbye.
        if let Some(rare) = &mut self.rare
            && self.socket.is_some()
        {
            rare.outbound.keep_front();
        }
        if let Some(log) = self.own_log() {
            self.tell_gaps(&log, gap);
        }
    }
}
