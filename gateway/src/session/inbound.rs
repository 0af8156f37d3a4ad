//! What the client says, and what comes of it.

use std::rc::Rc;

use protocol::{
    CloseReason,
    client_frame::{ClientFrame, FrameError},
    server_frame::{PONG, ServerFrame},
};

use super::{
    context::SessionContext,
    state::{Session, Stage},
};
use crate::{
    access::identity::Identity,
    transports::{inbound::Inbound, wire::Wire},
};

impl Session {
    /// Acts on what the transport found.
    pub(super) fn on_inbound(
        &mut self,
        inbound: Inbound<'_>,
        ctx: &mut SessionContext,
    ) -> Result<(), CloseReason> {
        if self.stage >= Stage::Closing {
            if let Inbound::Close(_) = inbound {
                // Both sides have said goodbye (RFC 6455 section 7.1.1: the server closes first).
                self.end(CloseReason::ClientLeft);
            }
            return Ok(());
        }
        if !matches!(inbound, Inbound::Close(_)) && !self.allowance.take_frame() {
            self.give_up(CloseReason::TooManyFrames);
            return Ok(());
        }
        match inbound {
            Inbound::Frame(text) => self.on_frame(text, ctx)?,
            Inbound::Binary(bytes) if self.is_echo() => self.answer(bytes, Wire::binary),
            Inbound::Binary(_) => return Err(CloseReason::Unsupported),
            Inbound::Ping(payload) => self.answer(payload, Wire::pong),
            Inbound::Pong | Inbound::Nothing => {}
            Inbound::Close(code) => self.on_close(code),
        }
        Ok(())
    }

    fn on_frame(&mut self, json: &[u8], ctx: &SessionContext) -> Result<(), CloseReason> {
        self.local().metrics.tallies.here().frames_in.add(1);
        if self.is_echo() {
            self.send_json(json);
            return Ok(());
        }
        match ClientFrame::parse(json) {
            Ok(ClientFrame::Ping) => self.send_json(PONG),
            Ok(ClientFrame::Echo) if self.local().settings.echo => self.send_json(json),
            // Nothing is kept for this session yet, so there is nothing to strike off.
            Ok(ClientFrame::Ack(_)) => {}
            // That it came is what it says.
            Ok(ClientFrame::Pong) => {}
            Ok(ClientFrame::Subscribe(topics)) => self.on_subscribe(&topics, ctx),
            Ok(ClientFrame::Unsubscribe(topics)) => self.on_unsubscribe(&topics),
            Ok(ClientFrame::Refresh(token)) => self.on_refresh(&token),
            Ok(ClientFrame::Connect(_)) => self.refuse("unexpected", "already connected"),
            Ok(ClientFrame::Echo) => self.refuse("echo_off", "the gateway runs without --echo"),
            Err(FrameError::NotJson(_)) => return Err(CloseReason::InvalidFrame),
            Err(error) => self.refuse(error.code(), &error.to_string()),
        }
        Ok(())
    }

    /// Whether it only returns what it gets.
    pub(super) fn is_echo(&self) -> bool {
        self.member.user.is_none()
    }

    fn answer(
        &mut self,
        payload: &[u8],
        write: impl FnOnce(&(dyn Wire + 'static), &[u8], &mut Vec<u8>),
    ) {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        write(self.wire(), payload, &mut bytes);
        self.send_bytes(bytes);
    }

    pub(super) fn refuse(&mut self, code: &str, detail: &str) {
        self.send_frame(&ServerFrame::Error { code, detail });
    }

    fn on_refresh(&mut self, token: &str) {
        let local = Rc::clone(&self.member.local);
        if local.authenticator.is_open() {
            return self.refuse(
                "unauthorized",
                "no keys are configured here, so there is no token to refresh",
            );
        }
        match local.authenticator.verify(token) {
            Ok(identity) if Some(&identity.user) == self.member.user.as_ref() => {
                let Identity { expires, subscribable, .. } = identity;
                self.set_expiry(expires);
                self.set_subscribable(subscribable);
                self.send_frame(&ServerFrame::Refreshed { exp: expires });
            }
            Ok(_) => self.refuse("unauthorized", "the token is for another user"),
            Err(error) => self.refuse("unauthorized", &error.to_string()),
        }
    }
}
