//! The rules of one session, away from sockets: bytes in, effects out.
//!
//! `Connecting → Upgrading → AwaitingHello → AwaitingEcho → Live → Closed`. An idle session owns no
//! buffer; one exists only while a frame or a message in several frames is incomplete.

use std::mem;

use protocol::{Transport, websocket::Opcode};

use super::{
    effect::Effect,
    failure::Failure,
    fragments,
    handshake::{self, Answer},
    scan::{self, Kind},
    state::State,
    websocket::{self, Frame, MAX_MESSAGE_BYTES},
};

/// What all sessions of a worker have in common.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Whether a session counts as held only after the server's `hello`.
    pub needs_hello: bool,
    /// Whether a session counts as held only after a message of its own has come back.
    pub echo_once: bool,
    /// The `Sec-WebSocket-Accept` to expect.
    pub accept: String,
}

/// One session, without its socket.
#[derive(Debug)]
pub(crate) struct Session {
    state: State,
    transport: Transport,
    incomplete: Option<Box<Incomplete>>,
}

/// What has been read of something that is not all there yet.
#[derive(Debug, Default)]
struct Incomplete {
    /// The start of a frame.
    bytes: Vec<u8>,
    /// The payloads of a message's frames so far.
    message: Option<Vec<u8>>,
}

/// What is sent to come back.
const ECHO: &[u8] = br#"{"type":"echo","data":"once"}"#;

type Step = Result<usize, &'static str>;

impl Session {
    /// A session whose socket is about to connect.
    pub(crate) fn new(transport: Transport) -> Self {
        Self { state: State::Connecting, transport, incomplete: None }
    }

    /// How far the session is.
    pub(crate) fn state(&self) -> State {
        self.state
    }

    /// The socket is connected and the opening bytes are sent.
    pub(crate) fn on_connected(&mut self, rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) {
        match self.transport {
            Transport::WebSocket => self.state = State::Upgrading,
            Transport::Tcp => self.open(rules, effects),
        }
    }

    /// The server has sent something.
    pub(crate) fn on_bytes(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) {
        let mut kept =
            self.incomplete.as_mut().map(|it| mem::take(&mut it.bytes)).unwrap_or_default();
        if kept.is_empty() {
            let used = self.consume(bytes, rules, effects);
            self.keep(|| bytes[used..].to_vec(), bytes.len() - used);
        } else {
            kept.extend_from_slice(bytes);
            let used = self.consume(&kept, rules, effects);
            let rest = kept.len() - used;
            self.keep(|| kept.split_off(used), rest);
        }
    }

    /// Keeps what is left over; forgets the buffer as soon as nothing is.
    fn keep(&mut self, rest: impl FnOnce() -> Vec<u8>, length: usize) {
        let message = self.incomplete.as_ref().is_some_and(|it| it.message.is_some());
        match self.state {
            State::Closed => self.incomplete = None,
            _ if length > 0 => self.incomplete.get_or_insert_default().bytes = rest(),
            _ if message => {}
            _ => self.incomplete = None,
        }
    }

    fn consume(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> usize {
        let mut used = 0;
        loop {
            match self.step(&bytes[used..], rules, effects) {
                Ok(0) => return used,
                Ok(more) => used += more,
                Err(rule) => {
                    self.end(Failure::Protocol(rule.to_owned()), effects);
                    return used;
                }
            }
        }
    }

    /// Takes one answer, frame or line; 0 if none is complete.
    fn step(&mut self, bytes: &[u8], rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) -> Step {
        match (self.state, self.transport) {
            (State::Connecting | State::Closed, _) => Ok(0),
            (State::Upgrading, _) => self.on_answer(bytes, rules, effects),
            (_, Transport::WebSocket) => match websocket::decode(bytes)? {
                Some(frame) => self.on_frame(&frame, rules, effects).map(|()| frame.length),
                None => Ok(0),
            },
            (_, Transport::Tcp) => self.on_line(bytes, rules, effects),
        }
    }

    fn on_answer(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Step {
        match handshake::answer(bytes, &rules.accept)? {
            None => Ok(0),
            Some(Answer::Upgraded(length)) => {
                self.open(rules, effects);
                Ok(length)
            }
            Some(Answer::Refused(status)) => {
                self.end(Failure::Status(status), effects);
                Ok(0)
            }
        }
    }

    fn on_line(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Step {
        match memchr::memchr(b'\n', bytes) {
            None if bytes.len() > MAX_MESSAGE_BYTES => Err("a line larger than 1 MiB"),
            None => Ok(0),
            Some(end) => {
                self.on_message(&bytes[..end], rules, effects)?;
                Ok(end + 1)
            }
        }
    }

    fn on_frame(
        &mut self,
        frame: &Frame<'_>,
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Result<(), &'static str> {
        match frame.opcode {
            Opcode::Pong => {}
            Opcode::Ping => {
                effects(Effect::Reply(websocket::short_frame(Opcode::Pong, frame.payload, mask())));
            }
            Opcode::Close => {
                let reply = websocket::short_frame(Opcode::Close, frame.payload, mask());
                effects(Effect::Reply(reply));
                let code =
                    frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                self.end(Failure::Close(code), effects);
            }
            Opcode::Text | Opcode::Binary if frame.last => {
                self.on_message(frame.payload, rules, effects)?;
            }
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                self.on_fragment(frame, rules, effects)?;
            }
        }
        Ok(())
    }

    fn on_fragment(
        &mut self,
        frame: &Frame<'_>,
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Result<(), &'static str> {
        let begun = &mut self.incomplete.get_or_insert_default().message;
        match fragments::join(begun, frame)? {
            Some(message) => self.on_message(&message, rules, effects),
            None => Ok(()),
        }
    }

    fn on_message(
        &mut self,
        message: &[u8],
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Result<(), &'static str> {
        match scan::kind(message) {
            Kind::Hello if self.state == State::AwaitingHello => self.greet(rules, effects),
            // A close code follows on a WebSocket and says more.
            Kind::Bye if self.transport == Transport::Tcp => {
                self.end(Failure::Bye(scan::reason(message)), effects);
            }
            Kind::Hello | Kind::Bye | Kind::Other => {}
            Kind::Error if self.state == State::AwaitingEcho => {
                return Err("an error instead of the echo: does the gateway run with --echo?");
            }
            Kind::Error => effects(Effect::Refusal),
            Kind::Message if self.state == State::AwaitingEcho && message == ECHO => {
                self.hold(effects);
            }
            Kind::Message => effects(Effect::Message(message)),
        }
        Ok(())
    }

    fn open(&mut self, rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) {
        self.state = State::AwaitingHello;
        if !rules.needs_hello {
            self.greet(rules, effects);
        }
    }

    /// The server knows the client, as far as it has to.
    fn greet(&mut self, rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) {
        if !rules.echo_once {
            return self.hold(effects);
        }
        self.state = State::AwaitingEcho;
        effects(Effect::Reply(self.message(ECHO)));
    }

    /// The bytes that carry a short message to the server.
    pub(crate) fn message(&self, text: &[u8]) -> Vec<u8> {
        match self.transport {
            Transport::WebSocket => websocket::short_frame(Opcode::Text, text, mask()),
            Transport::Tcp => [text, b"\n"].concat(),
        }
    }

    fn hold(&mut self, effects: &mut impl FnMut(Effect<'_>)) {
        self.state = State::Live;
        effects(Effect::Held);
    }

    fn end(&mut self, failure: Failure, effects: &mut impl FnMut(Effect<'_>)) {
        self.state = State::Closed;
        effects(Effect::Ended(failure));
    }
}

fn mask() -> [u8; 4] {
    fastrand::u32(..).to_ne_bytes()
}

#[cfg(test)]
mod tests;
