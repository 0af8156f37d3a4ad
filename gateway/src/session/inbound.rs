//! What the client says, and what comes of it.

use std::rc::Rc;

use protocol::{
    CloseReason,
    client_frame::{ClientFrame, FrameError},
    kept::{Cursor, Log},
    server_frame::{PONG, ServerFrame},
};

use super::{
    context::SessionContext,
    state::{Session, Sign, Stage},
};
use crate::{
    access::identity::Identity,
    transports::{inbound::Inbound, wire::Wire},
};

/// What a frame asked for and is not done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// A short machine-readable name.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

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
            Inbound::Frame(text) => {
                let refused = self.on_frame(text, ctx).map_err(|_| CloseReason::InvalidFrame)?;
                self.tell(&refused);
            }
            Inbound::Binary(bytes) if self.is_echo() => self.answer_with(bytes, Wire::binary),
            Inbound::Binary(_) => return Err(CloseReason::Unsupported),
            Inbound::Ping(payload) => self.answer_with(payload, Wire::pong),
            Inbound::Pong | Inbound::Nothing => {}
            Inbound::Close(code) => self.on_close(code),
        }
        Ok(())
    }

    /// Acts on a JSON frame; what it does not do is returned.
    ///
    /// # Errors
    /// What came is no frame at all.
    pub(super) fn on_frame(
        &mut self,
        json: &[u8],
        ctx: &SessionContext,
    ) -> Result<Vec<Refusal>, FrameError> {
        self.local().metrics.tallies.here().frames_in.add(1);
        if self.is_echo() {
            self.send_json(json);
            return Ok(Vec::new());
        }
        let refused = |code, detail: &str| vec![Refusal { code, detail: detail.to_owned() }];
        Ok(match ClientFrame::parse(json) {
            Ok(ClientFrame::Ping) => self.say(PONG),
            Ok(ClientFrame::Echo) if self.local().settings.echo => self.say(json),
            Ok(ClientFrame::Ack(cursor)) => self.on_ack(&cursor).into_iter().collect(),
            // That it came is what it says; who has answered once will be held to it.
            Ok(ClientFrame::Pong) => {
                self.sign = Sign::Given;
                Vec::new()
            }
            Ok(ClientFrame::Subscribe(topics)) => self.on_subscribe(&topics, ctx),
            Ok(ClientFrame::Unsubscribe(topics)) => {
                self.on_unsubscribe(&topics);
                Vec::new()
            }
            Ok(ClientFrame::Refresh(token)) => self.on_refresh(&token).into_iter().collect(),
            Ok(ClientFrame::Connect(_)) => refused("unexpected", "already connected"),
            Ok(ClientFrame::Echo) => refused("echo_off", "the gateway runs without --echo"),
            Err(error @ FrameError::NotJson(_)) => return Err(error),
            Err(error) => refused(error.code(), &error.to_string()),
        })
    }

    fn say(&mut self, json: &[u8]) -> Vec<Refusal> {
        self.send_json(json);
        Vec::new()
    }

    /// Whether it only returns what it gets.
    pub(super) fn is_echo(&self) -> bool {
        self.member.user.is_none()
    }

    fn answer_with(
        &mut self,
        payload: &[u8],
        write: impl FnOnce(&(dyn Wire + 'static), &[u8], &mut Vec<u8>),
    ) {
        let mut bytes = Vec::with_capacity(payload.len() + 10);
        write(self.wire(), payload, &mut bytes);
        self.send_bytes(bytes);
    }

    /// Tells the client what was refused.
    pub(super) fn tell(&mut self, refused: &[Refusal]) {
        for Refusal { code, detail } in refused {
            self.send_frame(&ServerFrame::Error { code, detail });
        }
    }

    /// The client has everything up to a cursor. That of a topic's log says nothing to the store.
    fn on_ack(&self, cursor: &str) -> Option<Refusal> {
        let Ok(cursor) = Cursor::decode(cursor) else {
            let detail = "ack: the cursor is none that pushes bring".to_owned();
            return Some(Refusal { code: "invalid_cursor", detail });
        };
        let user = self.member.user.as_ref().filter(|_| self.has_log())?;
        if cursor.log == Log::User(user.clone()).fingerprint() {
            let waiting = &self.local().directory.acknowledgements;
            if !waiting.take_note(user, self.device().as_ref(), cursor.place) {
                self.local().metrics.kept.acknowledgements_dropped.inc();
            }
        }
        None
    }

    fn on_refresh(&mut self, token: &str) -> Option<Refusal> {
        let refused = |detail: String| Some(Refusal { code: "unauthorized", detail });
        let local = Rc::clone(&self.member.local);
        if local.authenticator.is_open() {
            return refused("no keys are configured here, so there is no token to refresh".into());
        }
        match local.authenticator.verify(token) {
            Ok(identity) if Some(&identity.user) == self.member.user.as_ref() => {
                let Identity { expires, subscribable, .. } = identity;
                self.set_expiry(expires);
                self.set_subscribable(subscribable);
                self.send_frame(&ServerFrame::Refreshed { exp: expires });
                None
            }
            Ok(_) => refused("the token is for another user".into()),
            Err(error) => refused(error.to_string()),
        }
    }
}
