//! One connection, from its opening to its end.

use std::{
    io::{self, Read, Write},
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use client::{
    Effect, Ending, Kind, Rules, Session, State,
    handshake::Key,
    opening::{self, Credentials, Place},
    scan,
};
use protocol::{SessionId, Topic, Transport};
use settings::Secret;

use super::{
    channel::{Channel, Tls},
    line::line,
    parting::{End, Parting},
    places::Places,
    posting::Post,
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

/// Who connects where, and what is printed.
pub(super) struct Visitor {
    /// The server, as it is shown.
    pub(super) shown: String,
    pub(super) host: String,
    /// The same as requests name it.
    pub(super) bracketed_host: String,
    pub(super) port: u16,
    pub(super) transport: Transport,
    pub(super) path: String,
    /// What TLS is spoken with, if it is.
    pub(super) tls: Option<Tls>,
    pub(super) user: Option<String>,
    pub(super) topics: Vec<Topic>,
    /// Whether topics begin with everything that is kept of them.
    pub(super) from_start: bool,
    pub(super) device: Option<String>,
    /// Whether frames are printed as they came.
    pub(super) is_raw: bool,
}

/// A connection that is open.
pub(super) struct Visit<'a> {
    visitor: &'a Visitor,
    stream: Channel,
    session: Session,
    rules: Rules,
    was_held: bool,
    /// How far it has what is kept.
    places: &'a mut Places,
    /// What the server said last of why it ends.
    bye: Option<End>,
    /// What the requests of long polls name.
    asking: Asking<'a>,
    /// Where what it says is posted, once the session is known, where there is no other way.
    post: Option<Post<'a>>,
    begun: Instant,
    heard: Instant,
}

/// What the requests of long polls name.
struct Asking<'a> {
    place: Place<'a>,
    who: Credentials<'a>,
    session: Option<SessionId>,
}

/// What the server's bytes ask for.
#[derive(Default)]
struct Asked {
    lines: Vec<String>,
    replies: Vec<u8>,
    /// The newest cursor that is to be acknowledged.
    acknowledge: Option<String>,
    is_held: bool,
    /// The session's name, if its hello has come.
    session: Option<SessionId>,
    /// Whether the next request of a long poll is due.
    is_to_ask: bool,
    bye: Option<End>,
    ended: Option<Ending>,
}

impl Visitor {
    /// A connection to the server.
    pub(super) fn connect(&self) -> io::Result<Channel> {
        Channel::open(&self.host, self.port, self.tls.as_ref())
    }
}

/// Writes all of it: inside TLS, what was taken in is not on its way before it is flushed.
pub(super) fn say(stream: &mut Channel, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

impl<'a> Visit<'a> {
    /// Connects and listens to the end.
    pub(super) fn pay(
        visitor: &'a Visitor,
        token: Option<&'a Secret>,
        places: &'a mut Places,
        over: &AtomicBool,
    ) -> Parting {
        let key = Key::new(fastrand::u128(..).to_ne_bytes());
        let mut visit = match Self::begin(visitor, token, places, &key) {
            Ok(visit) => visit,
            Err(error) => {
                let doing = format!("cannot connect to {}", visitor.shown);
                return Parting { end: End::of_connect(&doing, &error), was_held: false };
            }
        };
        let end = visit.listen(over).unwrap_or_else(|error| match error.kind() {
            io::ErrorKind::BrokenPipe => End::Wanted,
            _ => End::of_error("the connection broke", &error),
        });
        // The connection is over in any case.
        let _ = visit.stream.write_all(&visit.session.leave());
        visit.stream.say_end();
        Parting { end, was_held: visit.was_held }
    }

    fn begin(
        visitor: &'a Visitor,
        token: Option<&'a Secret>,
        places: &'a mut Places,
        key: &Key,
    ) -> io::Result<Self> {
        let mut stream = visitor.connect()?;
        let Visitor { transport, bracketed_host: host, port, path, .. } = visitor;
        let place = Place { transport: *transport, host, port: *port, path };
        let who = Credentials::new(token.map(Secret::expose), visitor.user.as_deref());
        let who = Credentials { device: visitor.device.as_deref(), ..who };
        let coming = Credentials { after: &places.after(), ..who };
        say(&mut stream, opening::bytes(place, coming, key).as_bytes())?;
        let accept = key.accept.clone();
        let rules = Rules { needs_hello: true, echo_once: false, posts_pongs: true, accept };
        let mut session = Session::new(*transport);
        session.on_connected(&rules, &mut |_| {});
        let now = Instant::now();
        let (was_held, bye) = (false, None);
        let post = (!session.has_way_up()).then(|| Post::new(visitor, place, who));
        let asking = Asking { place, who, session: None };
        let (begun, heard) = (now, now);
        Ok(Self {
            visitor,
            stream,
            session,
            rules,
            was_held,
            places,
            bye,
            asking,
            post,
            begun,
            heard,
        })
    }

    /// Reads to the end.
    fn listen(&mut self, over: &AtomicBool) -> io::Result<End> {
        let mut scratch = vec![0; SCRATCH_BYTES];
        while !over.load(Ordering::Relaxed) {
            match self.stream.read(&mut scratch) {
                Ok(0) => return Ok(self.on_end_of_stream()),
                Ok(length) => {
                    if let Some(end) = self.on_bytes(&scratch[..length])? {
                        return Ok(end);
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                    io::ErrorKind::Interrupted => {}
                    _ => return Err(io::Error::other(error)),
                },
            }
            if let Some(end) = self.look_at_time()? {
                return Ok(end);
            }
        }
        Ok(End::Wanted)
    }

    fn on_end_of_stream(&mut self) -> End {
        let silent = || End::passing("the server closed the connection without a word");
        self.bye.take().unwrap_or_else(silent)
    }

    /// Prints what has come and answers what has to be answered.
    fn on_bytes(&mut self, bytes: &[u8]) -> io::Result<Option<End>> {
        self.heard = Instant::now();
        let mut asked = Asked::default();
        let (is_raw, places) = (self.visitor.is_raw, &mut *self.places);
        self.session.on_bytes(bytes, &self.rules, &mut |effect| asked.add(effect, places, is_raw));
        let mut output = io::stdout().lock();
        asked.lines.iter().try_for_each(|line| writeln!(output, "{line}"))?;
        output.flush()?;
        self.bye = asked.bye.or(self.bye.take());
        if let Some(session) = asked.session {
            self.asking.session = Some(session);
            self.post.iter_mut().for_each(|post| post.is_for(session));
        }
        if asked.is_to_ask {
            self.poll()?;
        }
        if asked.is_held {
            self.on_held(&mut asked.replies);
        }
        // Each stands for all before it.
        if let Some(cursor) = &asked.acknowledge {
            let ack = serde_json::json!({ "type": "ack", "cursor": cursor }).to_string();
            asked.replies.extend(self.session.message(ack.as_bytes()));
        }
        self.send(&asked.replies)?;
        let end = |ending| self.bye.take().unwrap_or_else(|| End::of_ending(&ending, bytes));
        Ok(asked.ended.map(end))
    }

    /// Asks for what is new.
    fn poll(&mut self) -> io::Result<()> {
        let Asking { place, who, session } = self.asking;
        let Some(session) = session else {
            return Err(io::Error::other("the answer names no session"));
        };
        let request = opening::poll(place, who, session, self.session.ask_again(), POLL_WAIT);
        say(&mut self.stream, request.as_bytes()).map_err(io::Error::other)
    }

    fn on_held(&mut self, replies: &mut Vec<u8>) {
        self.was_held = true;
        eprintln!("connected to {}", self.visitor.shown);
        if !self.visitor.topics.is_empty() {
            let Visitor { topics, from_start, .. } = self.visitor;
            let frame = self.places.subscribe(topics, *from_start).to_string();
            replies.extend(self.session.message(frame.as_bytes()));
        }
    }

    fn look_at_time(&mut self) -> io::Result<Option<End>> {
        if self.session.state() != State::Live {
            let is_late = self.begun.elapsed() > HELLO_WITHIN;
            return Ok(is_late.then(|| End::passing("no hello came")));
        }
        let quiet = self.heard.elapsed();
        if quiet > QUIET + ANSWER_WITHIN {
            return Ok(Some(End::passing("the server does not answer")));
        }
        if quiet > QUIET && !self.session.is_asked() {
            let question = self.session.ask();
            self.send(&question)?;
        }
        Ok(None)
    }

    /// A connection that breaks here must not look like a reader of stdout that has left.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if let Some(post) = &self.post {
            return post.frames(bytes);
        }
        say(&mut self.stream, bytes).map_err(io::Error::other)
    }
}

impl Asked {
    fn add(&mut self, effect: Effect<'_>, places: &mut Places, is_raw: bool) {
        match effect {
            Effect::Held => self.is_held = true,
            Effect::Frame(kind, frame) => {
                let heard = places.hear(kind, frame);
                self.acknowledge = heard.acknowledge.or(self.acknowledge.take());
                if !heard.is_known {
                    self.lines.extend(line(kind, frame, is_raw));
                }
                if kind == Kind::Hello {
                    self.session = scan::session(frame);
                }
                if kind == Kind::Bye {
                    self.bye = End::of_bye(frame);
                }
            }
            Effect::Alive => {}
            Effect::Again(session) => {
                self.session = session.or(self.session);
                self.is_to_ask = true;
            }
            Effect::Reply(bytes) => self.replies.extend(bytes),
            Effect::Ended(ending) => self.ended = Some(ending),
        }
    }
}
