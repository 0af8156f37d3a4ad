//! Between the socket and the session, without a buffer while nothing is incomplete.

use std::{
    io::{self, Read, Write},
    rc::Rc,
};

use protocol::CloseReason;
use tracing::debug;

use super::{
    context::SessionContext,
    state::{Session, Stage},
};
use crate::{runtime::reactor::Ready, transports::inbound::Inbound};

/// Reads before other sessions of the worker get their turn.
const READS_PER_TURN: usize = 4;

impl Session {
    /// The socket can be read or written again; true if there may be more to do.
    pub(crate) fn on_ready(&mut self, ready: Ready, ctx: &mut SessionContext) -> bool {
        // What waits is written at the end of the turn.
        self.blocked &= !ready.writable;
        ready.readable && self.read(ready.ended, ctx)
    }

    /// Reads what has come; true if there may be more. A short read proves that there is no more
    /// (epoll(7), Q9), unless the end has come, too, which is told only once.
    pub(crate) fn read(&mut self, to_the_end: bool, ctx: &mut SessionContext) -> bool {
        let local = Rc::clone(&self.member.local);
        let mut scratch = local.scratch.borrow_mut();
        for _ in 0..READS_PER_TURN {
            if self.stage == Stage::Gone {
                return false;
            }
            match self.socket.read(&mut scratch) {
                Ok(0) => self.on_end(),
                Ok(count) => {
                    self.on_bytes(&mut scratch[..count], ctx);
                    if count < scratch.len() && !to_the_end {
                        return false;
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return false,
                    io::ErrorKind::Interrupted => {}
                    _ => self.on_error(&error),
                },
            }
        }
        true
    }

    /// Writes what waits, as far as the socket takes it.
    pub(super) fn flush(&mut self) {
        if self.stage == Stage::Joining || self.blocked {
            return;
        }
        while let Some(rare) = self.rare.as_mut().filter(|rare| !rare.outbound.is_empty()) {
            let written = match self.socket.write_vectored(&rare.outbound.slices()) {
                Ok(0) => return self.on_end(),
                Ok(written) => written,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return self.blocked = true,
                    io::ErrorKind::Interrupted => continue,
                    _ => return self.on_error(&error),
                },
            };
            rare.outbound.advance(written);
            rare.write_deadline = self.member.local.write_deadline();
            self.count_out(written, 0);
            self.local().metrics.outbound_queued.sub(written as i64);
        }
        self.after_flush();
    }

    /// Once a closing session has said everything, tells the peer so where its transport has no
    /// other way, or where the peer can no longer be understood.
    pub(super) fn after_flush(&mut self) {
        let unspoken = self.wire().ends_by_shutdown() || self.deaf;
        if self.stage == Stage::Closing && unspoken && !self.has_outbound() {
            // An error means that the peer is gone, which reading will tell.
            let _ = self.socket.shutdown(std::net::Shutdown::Write);
        }
    }

    fn on_end(&mut self) {
        self.end(CloseReason::ClientLeft);
    }

    pub(super) fn on_error(&mut self, error: &io::Error) {
        debug!(session = %self.member.id, %error, "connection lost");
        self.end(CloseReason::ClientLeft);
    }

    pub(super) fn on_bytes(&mut self, bytes: &mut [u8], ctx: &mut SessionContext) {
        self.heard = true;
        self.local().metrics.bytes_in.inc_by(bytes.len() as u64);
        if self.deaf {
            return;
        }
        let partial = self.rare.as_mut().map(|rare| std::mem::take(&mut rare.partial));
        let parsed = match partial.filter(|partial| !partial.is_empty()) {
            None => self.parse(bytes, ctx).map(|used| bytes[used..].to_vec()),
            Some(mut whole) => {
                whole.extend_from_slice(bytes);
                self.parse(&mut whole, ctx).map(|used| {
                    whole.drain(..used);
                    whole
                })
            }
        };
        match parsed {
            Ok(rest) if rest.is_empty() => {}
            Ok(rest) => self.rare().partial = rest,
            Err(reason) => {
                self.deaf = true;
                self.close(reason);
            }
        }
    }

    /// Acts on every whole frame, and returns how many bytes they took.
    fn parse(&mut self, bytes: &mut [u8], ctx: &mut SessionContext) -> Result<usize, CloseReason> {
        let (wire, limit) = (self.wire(), self.local().settings.max_frame);
        let mut assembly = self.rare.as_mut().and_then(|rare| rare.assembly.take());
        let mut used = 0;
        while self.stage < Stage::Gone {
            let mut sink = |inbound: Inbound<'_>| self.on_inbound(inbound, ctx);
            match wire.next(&mut bytes[used..], &mut assembly, limit, &mut sink)? {
                Some(taken) => used += taken,
                None => break,
            }
        }
        if assembly.is_some() {
            self.rare().assembly = assembly;
        }
        Ok(used)
    }
}
