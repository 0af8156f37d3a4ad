//! Between the socket and the session, without a buffer while nothing is incomplete.

use std::{io, rc::Rc};

use protocol::CloseReason;
use tracing::debug;

use super::{
    context::SessionContext,
    state::{Session, Stage},
};
use crate::{runtime::reactor::Ready, tls::Received, transports::inbound::Inbound};

/// Reads before other sessions of the worker get their turn.
const READS_PER_TURN: usize = 4;
/// Frames acted on before others get their turn: a few hundred microseconds, however small they are.
const FRAMES_PER_TURN: usize = 256;

/// What a turn has done of what there is to read.
#[derive(Default)]
struct Turn {
    frames: usize,
    /// Whether what is not whole now has begun since the last look.
    begun_anew: bool,
}

impl Turn {
    fn is_over(&self) -> bool {
        self.frames >= FRAMES_PER_TURN
    }
}

/// Whether the system has given a connection up because nothing came back of what was sent: a cable was cut.
/// A router on the way may have said so, in vain.
fn has_gone_silent(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, NetworkUnreachable, TimedOut};
    matches!(error.kind(), TimedOut | HostUnreachable | NetworkUnreachable)
}

impl Session {
    /// The socket can be read or written again; true if there may be more to do.
    pub(crate) fn on_ready(&mut self, ready: Ready, ctx: &mut SessionContext) -> bool {
        // What waits is written at the end of the turn.
        self.blocked &= !ready.writable;
        if self.is_read_no_more() && ready.ended {
            self.on_end();
        }
        ready.readable && self.read(ready.ended, ctx)
    }

    /// Reads what has come; true if there may be more. A short read proves that there is no more
    /// (epoll(7), Q9), unless the end has come, too, which is told only once.
    pub(crate) fn read(&mut self, to_the_end: bool, ctx: &mut SessionContext) -> bool {
        let local = Rc::clone(&self.member.local);
        let mut scratch = local.scratch.borrow_mut();
        let mut turn = Turn::default();
        if self.has_backlog() {
            self.on_bytes(&mut [], &mut turn, ctx);
        }
        for _ in 0..READS_PER_TURN {
            if turn.is_over() && self.has_backlog() {
                return true;
            }
            if self.stage == Stage::Gone || self.is_read_no_more() {
                return false;
            }
            match self.receive(&mut scratch) {
                Ok(Received { count: 0, .. }) => self.on_end(),
                Ok(Received { count, more }) => {
                    self.on_bytes(&mut scratch[..count], &mut turn, ctx);
                    if !more && !to_the_end && !self.has_backlog() {
                        return false;
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return self.has_backlog(),
                    io::ErrorKind::Interrupted => {}
                    _ => self.on_error(&error),
                },
            }
        }
        true
    }

    /// Acts on what came behind the handshake.
    pub(super) fn on_first_bytes(&mut self, bytes: &mut [u8], ctx: &mut SessionContext) {
        self.on_bytes(bytes, &mut Turn::default(), ctx);
        // There may be more, which was there before the socket was the session's, and will not be
        // told again (epoll(7), EPOLLET).
        self.rare().backlog = true;
    }

    /// The first turn, when the mailbox learns whom to wake; true if there may be more to do.
    pub(crate) fn on_seated(&mut self, ctx: &mut SessionContext) -> bool {
        self.has_backlog() && self.read(false, ctx)
    }

    /// Whether a closing session leaves what its client still sends to the kernel, whose buffer fills
    /// and then takes no more.
    fn is_read_no_more(&self) -> bool {
        self.stage >= Stage::Closing && self.allowance.is_used_up()
    }

    fn has_backlog(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| rare.backlog)
    }

    /// Writes what waits, as far as the socket takes it.
    pub(super) fn flush(&mut self) {
        if self.is_held_back() || self.blocked {
            return;
        }
        if self.is_polled() {
            return self.answer_poll();
        }
        while let Some(written) = self.put_waiting() {
            let written = match written {
                Ok(0) => return self.on_end(),
                Ok(written) => written,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return self.blocked = true,
                    io::ErrorKind::Interrupted => continue,
                    _ => return self.on_error(&error),
                },
            };
            let Some(rare) = &mut self.rare else { return };
            let (is_client, deliveries) =
                (self.member.is_client(), &self.member.local.metrics.deliveries);
            rare.outbound.advance(written, |accepted| {
                if is_client {
                    deliveries.written(accepted);
                }
            });
            rare.write_deadline = self.member.local.write_deadline();
            self.count_out(written, 0);
        }
        self.flush_records();
        self.after_flush();
    }

    /// Once a closing session has said everything, tells the peer so where its transport has no
    /// other way, or where the peer can no longer be understood.
    pub(super) fn after_flush(&mut self) {
        let unspoken = self.wire().ends_by_shutdown() || self.allowance.deaf;
        if self.stage == Stage::Closing && unspoken && !self.has_outbound() {
            self.end_sending();
        }
    }

    fn on_end(&mut self) {
        self.end(CloseReason::ClientLeft);
    }

    pub(super) fn on_error(&mut self, error: &io::Error) {
        debug!(session = %self.member.id, %error, "connection lost");
        self.end(match has_gone_silent(error) {
            // What comes is no TLS any more, which the client has been told.
            _ if error.kind() == io::ErrorKind::InvalidData => CloseReason::ProtocolError,
            true if self.has_outbound() => CloseReason::TooSlow,
            true => CloseReason::PingTimeout,
            false => CloseReason::ClientLeft,
        });
    }

    fn on_bytes(&mut self, bytes: &mut [u8], turn: &mut Turn, ctx: &mut SessionContext) {
        self.hear();
        self.local().metrics.tallies.here().bytes_in.add(bytes.len() as u64);
        let is_within = self.take_bytes(bytes.len());
        if self.allowance.deaf {
            return;
        }
        let held = self.rare.as_mut().map(|rare| std::mem::take(&mut rare.partial));
        let parsed = match held.filter(|held| !held.is_empty()) {
            None => self.parse(bytes, turn, ctx).map(|used| bytes[used..].to_vec()),
            Some(mut whole) => {
                whole.extend_from_slice(bytes);
                self.parse(&mut whole, turn, ctx).map(|used| {
                    if used > 0 {
                        whole.drain(..used);
                        whole.shrink_to_fit();
                    }
                    whole
                })
            }
        };
        match parsed {
            // A frame that is too large by itself says more than that there was too much.
            Ok(_) if !is_within && !self.allowance.deaf => self.give_up(CloseReason::TooManyFrames),
            Ok(rest) => self.hold(rest, turn),
            Err(reason) => self.give_up(reason),
        }
    }

    /// Counts bytes against what the client may send; behind a close of ours, against what is still
    /// read.
    fn take_bytes(&mut self, count: usize) -> bool {
        if self.stage >= Stage::Closing {
            self.allowance.take_bytes(count);
            return true;
        }
        let local = &self.member.local;
        self.allowance.refill(&local.settings, local.tick());
        self.allowance.take_bytes(count)
    }

    /// Keeps what was not acted on yet. What is not whole has to be in time: from when it began,
    /// however often a little of it comes.
    fn hold(&mut self, rest: Vec<u8>, turn: &Turn) {
        if self.rare.is_none() && rest.is_empty() {
            return;
        }
        let whole_by = self.local().clock.tick_after(self.local().settings.frame_timeout);
        let rare = self.rare();
        rare.backlog = turn.is_over() && !rest.is_empty();
        rare.partial = rest;
        let before = rare.whole_by;
        rare.whole_by = match (rare.is_incomplete(), before) {
            (false, _) => None,
            (true, Some(by)) if !turn.begun_anew => Some(by),
            (true, _) => Some(whole_by),
        };
        if rare.whole_by != before {
            self.schedule();
        }
    }

    /// Acts on every whole frame that the turn has room for, and returns how many bytes they took.
    fn parse(
        &mut self,
        bytes: &mut [u8],
        turn: &mut Turn,
        ctx: &mut SessionContext,
    ) -> Result<usize, CloseReason> {
        let (wire, limit) = (self.wire(), self.local().settings.max_frame);
        let mut assembly = self.rare.as_mut().and_then(|rare| rare.assembly.take());
        let (in_message, mut used, mut whole) = (assembly.is_some(), 0, false);
        while self.stage < Stage::Gone && !self.allowance.deaf && !turn.is_over() {
            let mut sink = |inbound: Inbound<'_>| {
                whole |= matches!(inbound, Inbound::Frame(_) | Inbound::Binary(_));
                self.on_inbound(inbound, ctx)
            };
            match wire.next(&mut bytes[used..], &mut assembly, limit, &mut sink)? {
                Some(taken) => used += taken,
                None => break,
            }
            turn.frames += 1;
        }
        if self.allowance.deaf {
            return Ok(bytes.len());
        }
        // A fragment or a ping in between does not make a message whole.
        turn.begun_anew = whole || (used > 0 && !in_message);
        if assembly.is_some() {
            self.rare().assembly = assembly;
        }
        Ok(used)
    }
}
