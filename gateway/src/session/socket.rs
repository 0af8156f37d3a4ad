//! A session's socket, with or without TLS.

use std::io::{self, IoSlice};

use protocol::CloseReason;

use super::state::{Rare, Session, Stage};
use crate::tls::{self, Received, Tls};

impl Session {
    /// TLS, where it is spoken.
    fn tls(&mut self) -> Option<&mut Tls> {
        self.rare.as_mut().and_then(|rare| rare.tls.as_deref_mut())
    }

    /// Reads what has come, in plaintext.
    pub(super) fn receive(&mut self, bytes: &mut [u8]) -> io::Result<Received> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::WouldBlock.into()) };
        let tls = self.rare.as_mut().and_then(|rare| rare.tls.as_deref_mut());
        let is_sealed = tls.is_some();
        let received = tls::read(socket, tls, bytes, &self.member.local.tls);
        if is_sealed {
            self.on_records();
        }
        received
    }

    /// Writes as much of it as the socket takes.
    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(socket) = &self.socket else { return Ok(0) };
        let tls = self.rare.as_mut().and_then(|rare| rare.tls.as_deref_mut());
        tls::write(socket, tls, bytes, &self.member.local.tls)
    }

    /// Writes as much of several frames as the socket takes.
    pub(super) fn put_together(&mut self, frames: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(socket) = &self.socket else { return Ok(0) };
        let tls = self.rare.as_mut().and_then(|rare| rare.tls.as_deref_mut());
        tls::write_vectored(socket, tls, frames, &self.member.local.tls)
    }

    /// Writes as much as the socket takes of what waits, if something does.
    pub(super) fn put_waiting(&mut self) -> Option<io::Result<usize>> {
        let Rare { outbound, tls, .. } = &mut **self.rare.as_mut()?;
        let socket = self.socket.as_ref().filter(|_| !outbound.is_empty())?;
        let slices = outbound.slices();
        Some(tls::write_vectored(socket, tls.as_deref_mut(), &slices, &self.member.local.tls))
    }

    /// Writes what TLS has to say by itself, which waits where the socket took nothing when it was said.
    pub(super) fn flush_records(&mut self) {
        let (Some(socket), Some(rare)) = (&self.socket, &mut self.rare) else { return };
        let Some(tls) = rare.tls.as_mut().filter(|tls| tls.wants_write()) else { return };
        match tls.flush(socket) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
            Err(error) => self.on_error(&error),
            Ok(()) => {}
        }
    }

    /// Tells the peer that nothing follows, as soon as the socket takes it.
    pub(super) fn end_sending(&mut self) {
        let Some(socket) = &self.socket else { return };
        let tls = self.rare.as_mut().and_then(|rare| rare.tls.as_deref_mut());
        // Any other error means that the peer is gone, which reading will tell.
        if let Err(error) = tls::end_sending(socket, tls)
            && error.kind() == io::ErrorKind::WouldBlock
        {
            self.blocked = true;
        }
    }

    /// Tells a peer of TLS that this is no accident, if it takes it now, before the socket is closed.
    pub(super) fn say_closed(&mut self) {
        if let (Some(socket), Some(rare)) = (&self.socket, &mut self.rare)
            && let Some(tls) = &mut rare.tls
        {
            let _ = tls.close(socket);
        }
    }

    /// Records have come: those that said nothing count as frames, and what is not whole has to be in time.
    fn on_records(&mut self) {
        let Some(tls) = self.tls() else { return };
        let (idle, is_begun) = (tls.take_idle(), tls.incomplete() > 0);
        if idle > 0 && self.stage < Stage::Closing {
            let local = &self.member.local;
            self.allowance.refill(&local.settings, local.tick());
            if !(0..idle).all(|_| self.allowance.take_frame()) {
                self.give_up(CloseReason::TooManyFrames);
            }
        }
        let whole_by = self.local().clock.tick_after(self.local().settings.frame_timeout);
        let rare = self.rare();
        let before = rare.whole_by;
        rare.whole_by = match (rare.is_incomplete(), is_begun) {
            (false, _) => None,
            (true, true) => before.or(Some(whole_by)),
            (true, false) => before,
        };
        if rare.whole_by != before {
            self.schedule();
        }
    }
}
