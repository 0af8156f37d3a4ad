//! The beginning of a session: entered in the tables, and run from then on.

use std::{net::TcpStream, rc::Rc, sync::Arc};

use actix::{Addr, dev::channel};
use bytes::BytesMut;
use protocol::{CloseReason, Transport, server_frame::ServerFrame};
use tracing::debug;

use super::{
    context::{Runner, SessionContext},
    deadlines::first_ping,
    mailbox::{Close, HelloGate},
    membership::Membership,
    state::{Address, Local, Session, Stage},
};
use crate::{
    access::{admission::Permit, identity::Identity},
    delivery::walks::Seen,
    runtime::wheel::NEVER,
};

/// An admitted client on its way to being a session.
pub(crate) struct Joining {
    /// The connection, which the worker waits for.
    pub socket: TcpStream,
    /// The seat that was kept for it.
    pub seat: u32,
    /// What it speaks.
    pub transport: Transport,
    /// What it has sent already behind its handshake.
    pub read: BytesMut,
    /// What it must be sent before its first frame.
    pub greeting: Vec<u8>,
    /// Who it is; nobody for an echo session.
    pub identity: Option<Identity>,
    /// Its room; none for the gateway's own sessions, which are not counted.
    pub permit: Option<Permit>,
}

impl Session {
    /// Registers the client and starts its actor, which is handed back to be seated and given its
    /// first turn. Dropped instead, it leaves all tables again.
    ///
    /// # Errors
    /// Hands the connection back if the user has too many sessions.
    pub(crate) fn start(local: &Rc<Local>, joining: Joining) -> Result<Runner, TcpStream> {
        let Joining { socket, seat, transport, mut read, greeting, identity, permit } = joining;
        let (mut user, mut device, mut expires) = (None, None, None);
        let (mut topics, mut subscribable) = (Vec::new(), Vec::new());
        if let Some(it) = identity {
            (user, device, expires) = (Some(it.user), it.device, it.expires);
            (topics, subscribable) = (it.topics, it.subscribable);
        }
        let (sender, mailbox) = channel::channel::<Self>(0);
        let address = Addr::new(sender).downgrade();
        // Before the session is entered, so that a fan-out started in between reaches it.
        let seen = Seen::through(local.fan_out.last());
        let entered = Membership::enter(local, seat, transport, user, device, &address, permit);
        let Ok((member, replaced)) = entered else { return Err(socket) };
        if let Some(older) = replaced.and_then(|older| older.upgrade()) {
            older.do_send(Close(CloseReason::Replaced));
        }
        let mut session = Self::new(member, socket, seen);
        let mut context = SessionContext::new(mailbox);
        session.greet(greeting);
        session.set_subscribable(subscribable);
        session.subscribe_at_start(&topics);
        session.set_expiry(expires);
        if !read.is_empty() {
            session.on_bytes(&mut read, &mut context);
        }
        if session.stage == Stage::Joining {
            local.directory.presence.open_when_confirmed(Arc::new(HelloGate(address)));
        }
        Ok(Runner::new(session, context, local.calls.waker(seat)))
    }

    fn new(member: Membership<Address>, socket: TcpStream, seen: Seen) -> Self {
        let now = member.local.tick();
        let interval = member.local.settings.ping_interval;
        let ping_due = first_ping(now, interval, member.seat);
        Self {
            // Nobody pushes to an echo session or to the gateway's own, so nobody has to know first.
            stage: match member.user.is_some() && member.is_client() {
                true => Stage::Joining,
                false => Stage::Live,
            },
            reason: None,
            member,
            socket,
            rare: None,
            due: NEVER,
            since: now,
            expires: NEVER,
            ping_due,
            seen,
            frame_window: 0,
            frames: 0,
            heard: true,
            deaf: false,
            blocked: false,
        }
    }

    /// Prepares the greeting and, for a user, the hello, which go out together.
    fn greet(&mut self, mut greeting: Vec<u8>) {
        if let Some(user) = &self.member.user {
            let (session, user) = (self.member.id, user.as_str());
            // Nothing is kept yet, so nothing can have been recovered.
            let hello = ServerFrame::Hello { session, user, recovered: false };
            self.wire().encode(&hello.encode(), &mut greeting);
        }
        debug!(session = %self.member.id, transport = self.member.transport.as_str(), "session opened");
        self.send_bytes(greeting);
        // Without the answer to its handshake a client could not even read a goodbye.
        if let Some(rare) = &mut self.rare {
            rare.outbound.keep_front();
        }
    }
}
