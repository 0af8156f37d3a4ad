//! The rules of one session, away from sockets: bytes in, effects out.
//!
//! `Connecting → Upgrading → AwaitingHello → AwaitingEcho → Live → Closed`. An idle session owns no
//! buffer; one exists only while a frame or a message in several frames is incomplete.

use std::mem;

use protocol::{Transport, server_frame::PONG, websocket::Opcode};

use crate::{
    effect::Effect,
    ending::Ending,
    events, fragments,
    handshake::{self, Answer as Upgrade},
    polls::{self, Answer},
    scan::{self, Kind},
    spoken::{self, QUESTION},
    state::State,
    websocket::{self, Frame, MAX_MESSAGE_BYTES},
};

/// What the sessions of one owner have in common.
#[derive(Debug)]
pub struct Rules {
    /// Whether a session counts as held only after the server's `hello`.
    pub needs_hello: bool,
    /// Whether a session counts as held only after a message of its own has come back.
    pub echo_once: bool,
    /// Whether pings are answered where an answer has to be posted: who answers once is held to it.
    pub posts_pongs: bool,
    /// The `Sec-WebSocket-Accept` to expect.
    pub accept: String,
}

/// One session, without its socket.
#[derive(Debug)]
pub struct Session {
    state: State,
    transport: Transport,
    /// Whether the server owes an answer to [`Session::ask`].
    is_asked: bool,
    between: Between,
    /// Answers to long polls that have come.
    seen: u32,
    incomplete: Option<Box<Incomplete>>,
}

/// Where a session is between one thing that its server says and the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    /// Nowhere in particular.
    All,
    /// The next event has begun with [`events::BEGUN`]: some servers write that behind the event before,
    /// and an idle session shall own no buffer for it.
    Begun,
    /// The request of a long poll has been answered, and there was no next one.
    Answered,
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
    pub fn new(transport: Transport) -> Self {
        let (state, incomplete) = (State::Connecting, None);
        Self { state, transport, is_asked: false, between: Between::All, seen: 0, incomplete }
    }

    /// How far the session is.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether the server owes an answer to [`Session::ask`].
    pub fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// Whether what the client says goes over the session's own connection. Where it does not, the bytes of
    /// this module that would be sent are to be posted: lines of JSON.
    pub fn has_way_up(&self) -> bool {
        !matches!(self.transport, Transport::Sse | Transport::Poll)
    }

    /// The next request of a long poll is about to be sent: how many answers it is to say have been seen.
    pub fn ask_again(&mut self) -> u32 {
        self.between = Between::All;
        self.seen
    }

    /// The bytes that ask the server whether it is there: a ping, which every WebSocket server has
    /// to answer (RFC 6455 section 5.5.2), or a `ping` line. The answer is [`Effect::Alive`].
    pub fn ask(&mut self) -> Vec<u8> {
        self.is_asked = true;
        spoken::question(self.transport)
    }

    /// The bytes that end the session in order; other clients than those of WebSockets just go.
    pub fn leave(&self) -> Vec<u8> {
        spoken::goodbye(self.transport)
    }

    /// The socket is connected and the opening bytes are sent.
    pub fn on_connected(&mut self, rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) {
        match self.transport {
            Transport::Tcp => self.open(rules, effects),
            Transport::WebSocket | Transport::Sse | Transport::Poll => {
                self.state = State::Upgrading;
            }
        }
    }

    /// The server has sent something.
    pub fn on_bytes(&mut self, bytes: &[u8], rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) {
        let mut kept =
            self.incomplete.as_mut().map(|it| mem::take(&mut it.bytes)).unwrap_or_default();
        let bytes = match kept.is_empty() {
            true => bytes,
            false => {
                kept.extend_from_slice(bytes);
                &kept
            }
        };
        let used = self.consume(bytes, rules, effects);
        self.keep(&bytes[used..]);
    }

    /// Keeps what is left over; forgets the buffer as soon as nothing is.
    fn keep(&mut self, rest: &[u8]) {
        let message = self.incomplete.as_ref().is_some_and(|it| it.message.is_some());
        match self.state {
            State::Closed => self.incomplete = None,
            _ if self.begins_event(rest) => {
                (self.between, self.incomplete) = (Between::Begun, None);
            }
            _ if !rest.is_empty() => self.incomplete.get_or_insert_default().bytes = rest.to_vec(),
            _ if message => {}
            _ => self.incomplete = None,
        }
    }

    /// Whether this is the beginning of an event that servers write early, and nothing else.
    fn begins_event(&self, rest: &[u8]) -> bool {
        let is_open = self.state > State::Upgrading && self.transport == Transport::Sse;
        is_open && self.between != Between::Begun && rest == events::BEGUN
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
                    self.end(Ending::Protocol(rule.to_owned()), effects);
                    return used;
                }
            }
        }
    }

    /// Takes one answer, frame or line; 0 if none is complete.
    fn step(&mut self, bytes: &[u8], rules: &Rules, effects: &mut impl FnMut(Effect<'_>)) -> Step {
        match (self.state, self.transport) {
            (State::Connecting | State::Closed, _) => Ok(0),
            (_, Transport::Poll) => self.on_poll(bytes, rules, effects),
            (State::Upgrading, Transport::Sse) => {
                self.on_answer(events::answer(bytes)?, rules, effects)
            }
            (State::Upgrading, _) => {
                self.on_answer(handshake::answer(bytes, &rules.accept)?, rules, effects)
            }
            (_, Transport::WebSocket) => match websocket::decode(bytes)? {
                Some(frame) => self.on_frame(&frame, rules, effects).map(|()| frame.length),
                None => Ok(0),
            },
            (_, Transport::Tcp) => self.on_line(bytes, rules, effects),
            (_, Transport::Sse) => match events::next(bytes, self.between == Between::Begun)? {
                Some(event) => {
                    self.between = Between::All;
                    if !event.data.is_empty() {
                        self.on_message(&event.data, rules, effects)?;
                    }
                    Ok(event.length)
                }
                None => Ok(0),
            },
        }
    }

    fn on_answer(
        &mut self,
        answer: Option<Upgrade>,
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Step {
        match answer {
            None => Ok(0),
            Some(Upgrade::Upgraded(length)) => {
                self.open(rules, effects);
                Ok(length)
            }
            Some(Upgrade::Refused(status)) => {
                self.end(Ending::Status(status), effects);
                Ok(0)
            }
        }
    }

    fn on_poll(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
        effects: &mut impl FnMut(Effect<'_>),
    ) -> Step {
        if self.between == Between::Answered {
            return if bytes.is_empty() { Ok(0) } else { Err("an answer that nobody asked for") };
        }
        let (answer, length) = match polls::answer(bytes)? {
            None => return Ok(0),
            Some((Answer::Refused(status), _)) => {
                self.end(Ending::Status(status), effects);
                return Ok(0);
            }
            Some((Answer::Nothing, _)) if self.state == State::Upgrading => {
                self.end(Ending::Status(204), effects);
                return Ok(0);
            }
            Some((Answer::Nothing, length)) => (None, length),
            Some((Answer::Frames(frames), length)) => (Some(frames), length),
        };
        if self.state == State::Upgrading {
            self.open(rules, effects);
        }
        let session = answer.as_ref().map(|frames| frames.session);
        if let Some(mut frames) = answer {
            self.seen = frames.seen;
            for frame in frames.take() {
                if self.state != State::Closed {
                    self.on_message(frame, rules, effects)?;
                }
            }
        }
        if self.state != State::Closed {
            self.between = Between::Answered;
            effects(Effect::Again(session));
        }
        Ok(length)
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
            // An empty line is no frame.
            Some(0) => Ok(1),
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
            Opcode::Pong if frame.payload == QUESTION => self.on_answered(effects),
            Opcode::Pong => {}
            Opcode::Ping => {
                effects(Effect::Reply(spoken::control(Opcode::Pong, frame.payload)));
            }
            Opcode::Close => {
                let reply = spoken::control(Opcode::Close, frame.payload);
                effects(Effect::Reply(reply));
                let code =
                    frame.payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                self.end(Ending::Close(code), effects);
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
        let kind = scan::kind(message);
        if kind == Kind::Message && self.state == State::AwaitingEcho && message == ECHO {
            self.hold(effects);
            return Ok(());
        }
        if kind == Kind::Error && self.state == State::AwaitingEcho {
            return Err("an error instead of the echo: does the gateway run with --echo?");
        }
        effects(Effect::Frame(kind, message));
        match kind {
            Kind::Hello if self.state == State::AwaitingHello => self.greet(rules, effects),
            Kind::Ping if self.has_way_up() || rules.posts_pongs => {
                effects(Effect::Reply(self.message(PONG)));
            }
            Kind::Pong => self.on_answered(effects),
            // A close code follows on a WebSocket and says more.
            Kind::Bye if self.transport != Transport::WebSocket => {
                self.end(Ending::Bye(scan::reason(message)), effects);
            }
            _ => {}
        }
        Ok(())
    }

    fn on_answered(&mut self, effects: &mut impl FnMut(Effect<'_>)) {
        if mem::take(&mut self.is_asked) {
            effects(Effect::Alive);
        }
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

    /// The bytes that carry a frame of the client's to the server.
    pub fn message(&self, text: &[u8]) -> Vec<u8> {
        spoken::message(self.transport, text)
    }

    fn hold(&mut self, effects: &mut impl FnMut(Effect<'_>)) {
        self.state = State::Live;
        effects(Effect::Held);
    }

    fn end(&mut self, failure: Ending, effects: &mut impl FnMut(Effect<'_>)) {
        self.state = State::Closed;
        effects(Effect::Ended(failure));
    }
}

#[cfg(test)]
mod tests;
