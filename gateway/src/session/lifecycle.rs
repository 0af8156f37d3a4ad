//! The beginning of a session, its deadlines, and its end.

use std::{net::TcpStream, rc::Rc, time::Duration};

use actix::{Addr, dev::channel};
use protocol::{CloseReason, server_frame::ServerFrame};
use tracing::debug;

use super::{Joining, Running, Session, SessionContext, Stage, membership::Membership};
use crate::{
    admission::retry_ms,
    gateway::ticks,
    transports::{
        Transport,
        websocket::frame::{self, Opcode},
    },
    wheel::{NEVER, TICK, Wheel},
    worker::Worker,
};

impl Session {
    /// Registers the client and starts its actor on this thread.
    ///
    /// # Errors
    /// Hands the connection back if the user has too many sessions.
    pub fn start(worker: &Rc<Worker>, joining: Joining) -> Result<(), TcpStream> {
        let Joining { socket, seat, transport, mut read, greeting, identity, permit } = joining;
        let gateway = &worker.gateway;
        let (mut user, mut device, mut topics, mut expires) = (None, None, Vec::new(), NEVER);
        if let Some(identity) = identity {
            expires = identity.expires.map_or(NEVER, |exp| gateway.clock.tick_of(exp));
            (user, device, topics) = (Some(identity.user), identity.device, identity.topics);
        }
        let (sender, mailbox) = channel::channel::<Self>(0);
        let address = Addr::new(sender).downgrade();
        // Before the session is entered, so that a broadcast started in between reaches it.
        let broadcast = gateway.broadcasts.last();
        let entered = Membership::enter(worker, seat, transport, user, device, &address, permit);
        let Ok(member) = entered else { return Err(socket) };
        let mut session = Self::new(member, socket, expires, broadcast);
        let mut context = SessionContext::new(mailbox);
        session.greet(greeting);
        topics.iter().for_each(|topic| {
            session.subscribe(topic, &context);
        });
        session.schedule();
        if !read.is_empty() {
            session.on_bytes(&mut read, &mut context);
        }
        let joining = session.stage == Stage::Joining;
        worker.seat(seat, Running::new(session, context, worker.calls.waker(seat)));
        if joining {
            gateway.presence.admit_when_confirmed(address);
        }
        Ok(())
    }

    fn new(member: Membership, socket: TcpStream, expires: u32, broadcast: u32) -> Self {
        let now = member.worker.tick();
        let interval = member.worker.gateway.settings.ping_interval;
        let ping_due = first_ping(now, interval, member.seat);
        Self {
            // Nobody pushes to an echo session or to the gateway's own, so nobody has to know first.
            stage: match member.user.is_some() && member.is_client() {
                true => Stage::Joining,
                false => Stage::Live,
            },
            member,
            socket,
            rare: None,
            due: NEVER,
            since: now,
            expires,
            ping_due,
            broadcast,
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
            self.member.transport.encode(&hello.encode(), &mut greeting);
        }
        debug!(session = %self.member.id, transport = self.member.transport.as_str(), "session opened");
        self.send_bytes(greeting);
        // Without the answer to its handshake a client could not even read a goodbye.
        if let Some(rare) = &mut self.rare {
            rare.outbound.keep_front();
        }
    }

    /// Says goodbye and starts to close. What the client does not take in time is dropped.
    pub fn close(&mut self, reason: CloseReason) {
        if self.stage >= Stage::Closing {
            return;
        }
        self.leave(reason);
        if reason == CloseReason::TooSlow {
            self.drop_outbound();
        }
        self.stage = Stage::Closing;
        if !self.is_echo() {
            self.send_frame(&ServerFrame::bye(reason, retry_ms()));
        }
        let mut close = Vec::new();
        self.member.transport.encode_close(reason, &mut close);
        self.send_bytes(close);
        self.await_end();
    }

    /// The client closes; it gets its code back (RFC 6455 section 5.5.1).
    pub(super) fn on_close(&mut self, code: Option<u16>) {
        self.leave(CloseReason::ClientLeft);
        self.stage = Stage::Closing;
        let mut answer = Vec::new();
        match code {
            Some(code) => frame::close_frame(code, "", &mut answer),
            None => frame::header(Opcode::Close, 0, &mut answer),
        }
        self.send_bytes(answer);
        // Nothing more may follow from the client, so only its end is waited for.
        self.deaf = true;
        self.await_end();
    }

    fn await_end(&mut self) {
        let gateway = &self.member.worker.gateway;
        self.ping_due = gateway.clock.tick_after(gateway.settings.close_timeout);
        self.schedule();
        self.after_flush();
    }

    /// The connection is over, whoever ended it.
    pub(super) fn end(&mut self, reason: CloseReason) {
        self.leave(reason);
        self.stage = Stage::Gone;
    }

    fn leave(&mut self, reason: CloseReason) {
        if let Some(rare) = &mut self.rare {
            for topic in std::mem::take(&mut rare.topics) {
                self.member.worker.gateway.topics.unsubscribe(&topic, self.member.id);
            }
        }
        if self.member.leave() && self.member.is_client() {
            self.member.worker.gateway.metrics.closed(reason);
            debug!(session = %self.member.id, reason = reason.as_str(), "session closed");
        }
    }

    /// Gives up the frames of which nothing is on the wire yet.
    fn drop_outbound(&mut self) {
        if let Some(rare) = &mut self.rare {
            let before = rare.outbound.len();
            rare.outbound.drop_whole_frames();
            let dropped = before - rare.outbound.len();
            self.member.worker.gateway.metrics.outbound_queued.sub(dropped as i64);
        }
    }

    /// Asks to be woken at the nearest deadline.
    pub(super) fn schedule(&mut self) {
        let write_deadline = match &self.rare {
            Some(rare) if !rare.outbound.is_empty() => rare.write_deadline,
            _ => NEVER,
        };
        let expires = if self.stage < Stage::Closing { self.expires } else { NEVER };
        let due = self.ping_due.min(expires).min(write_deadline);
        let worker = &self.member.worker;
        let due = Wheel::reachable(due, worker.tick());
        if self.due != due {
            self.due = due;
            worker.wheel.borrow_mut().note(self.member.seat, due);
        }
    }

    /// Does what is due, if this is the tick the session asked for; true if there may be more to
    /// read.
    pub fn on_tick(&mut self, now: u32, ctx: &mut SessionContext) -> bool {
        if self.due != now {
            return false;
        }
        self.due = NEVER;
        self.on_deadline(now, ctx)
    }

    fn on_deadline(&mut self, now: u32, ctx: &mut SessionContext) -> bool {
        let stalled = self.has_stalled(now);
        let mut more = false;
        match self.stage {
            Stage::Gone => return false,
            Stage::Closing if self.ping_due <= now => {
                self.end(CloseReason::ClientLeft);
                return false;
            }
            Stage::Closing => {}
            _ if self.expires <= now => self.close(CloseReason::TokenExpired),
            _ if stalled => self.close(CloseReason::TooSlow),
            _ if self.ping_due <= now => more = self.ping(ctx),
            _ => {}
        }
        self.schedule();
        more
    }

    /// Whether the socket has taken nothing of what waits for `--write-timeout`.
    fn has_stalled(&mut self, now: u32) -> bool {
        let late = |rare: &super::Rare| !rare.outbound.is_empty() && rare.write_deadline <= now;
        if !self.rare.as_deref().is_some_and(late) {
            return false;
        }
        // A busy worker may not have come to write although the socket takes bytes again.
        self.blocked = false;
        self.flush();
        self.rare.as_deref().is_some_and(late)
    }

    /// Pings a client that may be gone, and gives up on one that was silent since the last ping.
    /// TCP clients are watched by the kernel's keepalive instead. True if there may be more to read.
    fn ping(&mut self, ctx: &mut SessionContext) -> bool {
        let gateway = &self.member.worker.gateway;
        self.ping_due = gateway.clock.tick_after(gateway.settings.ping_interval.max(TICK));
        if self.member.transport != Transport::WebSocket {
            return false;
        }
        // A client that is being written to shows itself by reading, or meets the write deadline.
        if self.has_outbound() {
            self.heard = true;
            return false;
        }
        // A busy worker may not have come to read the answer.
        let more = !self.heard && self.read(false, ctx);
        if self.stage >= Stage::Closing {
            return more;
        }
        if !std::mem::replace(&mut self.heard, false) {
            self.close(CloseReason::PingTimeout);
            return more;
        }
        let mut ping = Vec::new();
        frame::header(Opcode::Ping, 0, &mut ping);
        self.send_bytes(ping);
        more
    }
}

/// Neighbours are pinged behind each other: what the kernel keeps of their sockets is likely to lie
/// side by side, too, and their memory is far from every cache when 25 s have passed.
const NEIGHBOURS: u32 = 64;

/// The first ping comes within one interval. Blocks of neighbours are spread over it, because pings
/// all at once would hold up pushes.
fn first_ping(now: u32, interval: Duration, seat: u32) -> u32 {
    let interval = ticks(interval).max(1);
    // A multiplier without a factor in common with the usual intervals takes every phase in turn.
    let phase = (u64::from(seat / NEIGHBOURS) * 7919 % u64::from(interval)) as u32;
    let since = (now + interval - phase) % interval;
    now + interval - since
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_pings_come_within_an_interval_and_are_spread_over_it() {
        let interval = Duration::from_secs(25);
        let mut per_tick = std::collections::HashMap::new();
        for seat in 0..64_000 {
            let due = first_ping(12_345, interval, seat);
            assert!((12_346..=12_845).contains(&due), "{due}");
            *per_tick.entry(due).or_insert(0) += 1;
        }
        assert_eq!(per_tick.len(), 500);
        assert!(per_tick.values().all(|count| *count == 2 * NEIGHBOURS));
        assert_eq!(first_ping(7, Duration::ZERO, 3), 8);
    }
}
