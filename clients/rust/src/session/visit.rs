//! One connection, from its opening to its end.

use std::{
    collections::VecDeque,
    io::{self, Read, Write},
    time::{Duration, Instant},
};

use client::{
    Effect, Ending, Kind, Rules, Session as Spoken, State,
    handshake::Key,
    opening::{self, Credentials},
    scan,
};
use protocol::SessionId;

use super::{
    channel::{Channel, say},
    event::{Event, Frame},
    parting::End,
    places::Places,
    posting::post,
    visitor::Visitor,
};

/// How long the server may take until its hello.
const HELLO_WITHIN: Duration = Duration::from_secs(30);
/// After so long without a byte the server is asked whether it is there.
const QUIET: Duration = Duration::from_secs(60);
/// How long its answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long a request of a long poll waits for something new.
const POLL_WAIT: Duration = Duration::from_secs(30);
/// What is read at once.
const SCRATCH_BYTES: usize = 64 * 1024;

/// A connection that is open.
pub(super) struct Visit {
    stream: Channel,
    spoken: Spoken,
    rules: Rules,
    was_held: bool,
    /// What the server said last of why it ends.
    bye: Option<End>,
    /// The session's name, once it is known.
    session: Option<SessionId>,
    /// What is to be acknowledged once it was handed out.
    acknowledge: Option<String>,
    begun: Instant,
    heard: Instant,
    scratch: Vec<u8>,
}

/// What the server's bytes ask for.
#[derive(Default)]
struct Asked {
    replies: Vec<u8>,
    is_held: bool,
    /// Whether the next request of a long poll is due.
    is_to_ask: bool,
    bye: Option<End>,
    ended: Option<Ending>,
}

impl Visit {
    /// Connects, and says who comes.
    ///
    /// # Errors
    /// There is no connection.
    pub(super) fn begin(visitor: &Visitor, places: &Places) -> io::Result<Self> {
        let key = Key::new(fastrand::u128(..).to_ne_bytes());
        let mut stream = visitor.server.connect()?;
        let place = visitor.server.place(&visitor.host);
        let coming = Credentials { after: &places.after(&visitor.topics), ..visitor.credentials() };
        say(&mut stream, opening::bytes(place, coming, &key).as_bytes())?;
        let accept = key.accept;
        let rules = Rules { needs_hello: true, echo_once: false, posts_pongs: true, accept };
        let mut spoken = Spoken::new(visitor.server.transport());
        spoken.on_connected(&rules, &mut |_| {});
        let now = Instant::now();
        Ok(Self {
            stream,
            spoken,
            rules,
            was_held: false,
            bye: None,
            session: None,
            acknowledge: None,
            begun: now,
            heard: now,
            scratch: vec![0; SCRATCH_BYTES],
        })
    }

    /// Whether the session has been open.
    pub(super) fn was_held(&self) -> bool {
        self.was_held
    }

    /// Whether the session is open.
    pub(super) fn is_open(&self) -> bool {
        self.spoken.state() == State::Live
    }

    /// Reads once, and answers what has to be answered: how it ended, if it has.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) fn go_on(
        &mut self,
        visitor: &Visitor,
        places: &mut Places,
        events: &mut VecDeque<Event>,
    ) -> io::Result<Option<End>> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let read = self.stream.read(&mut scratch);
        let end = match read {
            Ok(0) => Ok(Some(self.on_end_of_stream())),
            Ok(length) => self.on_bytes(&scratch[..length], visitor, places, events),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Ok(None),
                io::ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            },
        };
        self.scratch = scratch;
        match end? {
            Some(end) => Ok(Some(end)),
            None => self.look_at_time(visitor, events),
        }
    }

    /// Acknowledges what was handed out.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) fn acknowledge(
        &mut self,
        visitor: &Visitor,
        events: &mut VecDeque<Event>,
    ) -> io::Result<()> {
        // Each stands for all before it.
        let Some(cursor) = self.acknowledge.take() else { return Ok(()) };
        let ack = serde_json::json!({ "type": "ack", "cursor": cursor }).to_string();
        self.say_frame(&ack, visitor, events)
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// The connection broke.
    pub(super) fn say_frame(
        &mut self,
        frame: &str,
        visitor: &Visitor,
        events: &mut VecDeque<Event>,
    ) -> io::Result<()> {
        let bytes = self.spoken.message(frame.as_bytes());
        self.send(&bytes, visitor, events)
    }

    /// Ends it in order.
    pub(super) fn leave(&mut self) {
        // The connection is over in any case.
        let _ = self.stream.write_all(&self.spoken.leave());
        self.stream.say_end();
    }

    fn on_end_of_stream(&mut self) -> End {
        let silent = || End::passing("the server closed the connection without a word");
        self.bye.take().unwrap_or_else(silent)
    }

    fn on_bytes(
        &mut self,
        bytes: &[u8],
        visitor: &Visitor,
        places: &mut Places,
        events: &mut VecDeque<Event>,
    ) -> io::Result<Option<End>> {
        self.heard = Instant::now();
        let mut asked = Asked::default();
        let Self { spoken, rules, session, acknowledge, .. } = self;
        spoken.on_bytes(bytes, rules, &mut |effect| match effect {
            Effect::Held => {
                asked.is_held = true;
                events.push_back(Event::Connected(visitor.server.shown().to_owned()));
            }
            Effect::Frame(kind, frame) => {
                let heard = places.hear(kind, frame);
                *acknowledge = heard.acknowledge.or(acknowledge.take());
                if kind == Kind::Hello {
                    *session = scan::session(frame);
                }
                if kind == Kind::Bye {
                    asked.bye = End::of_bye(frame);
                }
                if !heard.is_known {
                    events.push_back(Event::Frame(Frame::of(kind, frame)));
                }
            }
            Effect::Alive => {}
            Effect::Again(named) => {
                *session = named.or(*session);
                asked.is_to_ask = true;
            }
            Effect::Reply(bytes) => asked.replies.extend(bytes),
            Effect::Ended(ending) => asked.ended = Some(ending),
        });
        self.answer(asked, bytes, visitor, places, events)
    }

    fn answer(
        &mut self,
        mut asked: Asked,
        bytes: &[u8],
        visitor: &Visitor,
        places: &Places,
        events: &mut VecDeque<Event>,
    ) -> io::Result<Option<End>> {
        self.bye = asked.bye.or(self.bye.take());
        if asked.is_to_ask {
            self.poll(visitor)?;
        }
        if asked.is_held {
            self.was_held = true;
            if !visitor.topics.is_empty() {
                let frame = places.subscribe(&visitor.topics).to_string();
                asked.replies.extend(self.spoken.message(frame.as_bytes()));
            }
        }
        self.send(&asked.replies, visitor, events)?;
        let end = |ending| self.bye.take().unwrap_or_else(|| End::of_ending(&ending, bytes));
        Ok(asked.ended.map(end))
    }

    /// Asks for what is new.
    fn poll(&mut self, visitor: &Visitor) -> io::Result<()> {
        let Some(session) = self.session else {
            return Err(io::Error::other("the answer names no session"));
        };
        let (place, seen) = (visitor.server.place(&visitor.host), self.spoken.ask_again());
        let request = opening::poll(place, visitor.credentials(), session, seen, POLL_WAIT);
        say(&mut self.stream, request.as_bytes())
    }

    fn look_at_time(
        &mut self,
        visitor: &Visitor,
        events: &mut VecDeque<Event>,
    ) -> io::Result<Option<End>> {
        if !self.is_open() {
            let is_late = self.begun.elapsed() > HELLO_WITHIN;
            return Ok(is_late.then(|| End::passing("no hello came")));
        }
        let quiet = self.heard.elapsed();
        if quiet > QUIET + ANSWER_WITHIN {
            return Ok(Some(End::passing("the server does not answer")));
        }
        if quiet > QUIET && !self.spoken.is_asked() {
            let question = self.spoken.ask();
            self.send(&question, visitor, events)?;
        }
        Ok(None)
    }

    fn send(
        &mut self,
        bytes: &[u8],
        visitor: &Visitor,
        events: &mut VecDeque<Event>,
    ) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.spoken.has_way_up() {
            return say(&mut self.stream, bytes);
        }
        let session = self.session.ok_or_else(|| io::Error::other("the session has no name"))?;
        if let Some(why) = post(visitor, session, bytes)? {
            events.push_back(Event::NotTaken(why));
        }
        Ok(())
    }
}
