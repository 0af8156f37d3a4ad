//! The end of a session, whoever begins it.

use std::time::Duration;

use protocol::CloseReason;
use rustix::net::sockopt::set_socket_linger;
use tracing::debug;

use super::state::{Session, Stage};
use crate::access::admission::retry_ms;

impl Session {
    /// Says goodbye and starts to close. What the client does not take in time is dropped.
    pub(crate) fn close(&mut self, reason: CloseReason) {
        if self.stage >= Stage::Closing {
            return;
        }
        self.leave(reason);
        if reason == CloseReason::TooSlow {
            self.drop_outbound();
        }
        self.stage = Stage::Closing;
        self.allowance.close();
        // Where the end of the stream is the goodbye, nothing the client says can matter any more.
        self.allowance.deaf |= self.wire().ends_by_shutdown();
        let mut goodbye = Vec::new();
        match self.is_echo() {
            true => self.wire().close(reason, &mut goodbye),
            false => self.wire().goodbye(reason, retry_ms(), &mut goodbye),
        }
        self.send_bytes(goodbye);
        self.await_end();
    }

    /// Closes, and reads no further: what comes cannot be understood, or is too much.
    pub(super) fn give_up(&mut self, reason: CloseReason) {
        self.allowance.deaf = true;
        if let Some(rare) = &mut self.rare {
            (rare.partial, rare.assembly, rare.backlog) = (Vec::new(), None, false);
        }
        self.close(reason);
    }

    /// The client closes; it gets its code back (RFC 6455 section 5.5.1).
    pub(super) fn on_close(&mut self, code: Option<u16>) {
        self.leave(CloseReason::ClientLeft);
        self.stage = Stage::Closing;
        self.allowance.close();
        let mut answer = Vec::new();
        self.wire().close_back(code, &mut answer);
        self.send_bytes(answer);
        // Nothing more may follow from the client, so only its end is waited for.
        self.allowance.deaf = true;
        self.await_end();
    }

    fn await_end(&mut self) {
        let local = self.local();
        let time = match self.reason {
            // One that asks again later would begin anew, and take the place of its successor.
            Some(reason) if self.is_polled() && !reason.reconnect() => local.settings.poll_grace,
            _ => local.settings.close_timeout,
        };
        self.ping_due = local.clock.tick_after(time);
        self.schedule();
        self.after_flush();
    }

    /// Gives a client that has had its goodbye no more than this to go.
    pub(super) fn hurry(&mut self, time: Duration) {
        self.ping_due = self.ping_due.min(self.local().clock.tick_after(time));
        self.schedule();
    }

    /// The client took too long to go. What the kernel still has for it is not worth keeping: it would
    /// stay for minutes with a peer that takes nothing (tcp(7), TCP_USER_TIMEOUT).
    pub(super) fn abort(&mut self) {
        // An error means that the connection is gone already.
        let _ = self.socket.as_ref().map(|it| set_socket_linger(it, Some(Duration::ZERO)));
        self.end(CloseReason::ClientLeft);
    }

    /// The connection is over, whoever ended it.
    pub(super) fn end(&mut self, reason: CloseReason) {
        self.leave(reason);
        self.stage = Stage::Gone;
    }

    fn leave(&mut self, reason: CloseReason) {
        self.reason.get_or_insert(reason);
        if self.member.leave() && self.member.is_client() {
            self.local().metrics.closed(reason);
            debug!(session = %self.member.id, reason = reason.as_str(), "session closed");
        }
    }

    /// Gives up the frames of which nothing is on the wire yet.
    fn drop_outbound(&mut self) {
        if let Some(rare) = &mut self.rare {
            let pushes = rare.outbound.drop_whole_frames();
            self.lose(pushes);
        }
    }
}
