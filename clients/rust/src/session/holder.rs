//! A session that comes back whenever its connection ends, as long as it may.

use std::{
    collections::VecDeque,
    error::Error,
    io, mem, thread,
    time::{Duration, Instant},
};

use super::{
    event::{Ended, Event},
    parting::{End, Explain, Explanation},
    pauses::Pauses,
    places::{Begin, Places, Subscription},
    server::Server,
    visit::Visit,
    visitor::Visitor,
};

/// Gives the token for the next connection.
type Tokens = Box<dyn FnMut() -> Result<Option<String>, Box<dyn Error + Send + Sync>> + Send>;

/// A session of a user's device.
///
/// It connects when it is first asked for an [event](Session::next), and comes back by itself: after the pause that
/// the server names, or one of its own that grows with every try that failed; and not where the server says that it
/// shall not. It knows the cursors of what it has heard, and tells no kept message twice.
pub struct Session {
    visitor: Visitor,
    tokens: Option<Tokens>,
    places: Places,
    pauses: Pauses,
    state: State,
    events: VecDeque<Event>,
    /// What was to be acknowledged while there was no connection.
    unsaid: Option<String>,
}

enum State {
    /// No connection before then.
    Resting(Instant),
    Connected(Box<Visit>),
    Over,
}

/// Builds a [`Session`].
pub struct Builder {
    visitor: Visitor,
    tokens: Option<Tokens>,
    after: Vec<String>,
    acknowledges: bool,
}

impl Builder {
    /// The user, where the gateway runs with `--development`.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.visitor.user = Some(user.into());
        self
    }

    /// A signed token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.visitor.token = Some(token.into());
        self
    }

    /// Asked for a token before every connection; an error ends the session.
    #[must_use]
    pub fn tokens(
        mut self,
        tokens: impl FnMut() -> Result<Option<String>, Box<dyn Error + Send + Sync>> + Send + 'static,
    ) -> Self {
        self.tokens = Some(Box::new(tokens));
        self
    }

    /// The name of the device, where the token has none.
    #[must_use]
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.visitor.device = Some(device.into());
        self
    }

    /// Cursors of the last messages that are there already.
    #[must_use]
    pub fn after(mut self, cursors: impl IntoIterator<Item = String>) -> Self {
        self.after.extend(cursors);
        self
    }

    /// A topic to subscribe to, and where it begins.
    #[must_use]
    pub fn topic(mut self, topic: impl Into<String>, begin: Begin) -> Self {
        self.visitor.topics.push(Subscription { topic: topic.into(), begin });
        self
    }

    /// Acknowledges each message that is kept for the user once the event after it is asked for: it does not come again to
    /// this device.
    #[must_use]
    pub fn acknowledging(mut self) -> Self {
        self.acknowledges = true;
        self
    }

    /// Explains errors of connections, and says which are lasting: for those a session does not come back.
    #[must_use]
    pub fn explain(mut self, explain: fn(&io::Error) -> Explanation) -> Self {
        self.visitor.explain = explain as Explain;
        self
    }

    /// The session, which is not connected yet.
    pub fn build(self) -> Session {
        let Self { visitor, tokens, after, acknowledges } = self;
        Session {
            visitor,
            tokens,
            places: Places::new(after, acknowledges),
            pauses: Pauses::default(),
            state: State::Resting(Instant::now()),
            events: VecDeque::new(),
            unsaid: None,
        }
    }
}

impl Session {
    /// A session at this server.
    pub fn builder(server: Server) -> Builder {
        let visitor = Visitor::new(server);
        Builder { visitor, tokens: None, after: Vec::new(), acknowledges: false }
    }

    /// The next event; nothing if there was none for so long. It may take a tenth of a second longer, and as
    /// long as a connect takes (10 s), with TLS's handshake. After [`Event::Ended`] there is nothing any more, at once.
    pub fn next(&mut self, wait: Duration) -> Option<Event> {
        let until = Instant::now() + wait;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.state {
                State::Over => return None,
                State::Resting(end) => {
                    let now = Instant::now();
                    if now >= end {
                        self.connect();
                    } else if now >= until {
                        return None;
                    } else {
                        thread::sleep(end.min(until) - now);
                    }
                }
                State::Connected(_) => {
                    self.go_on();
                    if self.events.is_empty() && Instant::now() >= until {
                        return None;
                    }
                }
            }
        }
    }

    /// Whether there is an event that needs no waiting for.
    pub fn has_next(&self) -> bool {
        !self.events.is_empty()
    }

    /// Subscribes to a topic, now and whenever it comes back.
    pub fn subscribe(&mut self, topic: impl Into<String>, begin: Begin) {
        let subscription = Subscription { topic: topic.into(), begin };
        self.visitor.topics.retain(|known| known.topic != subscription.topic);
        let frame = self.places.subscribe(std::slice::from_ref(&subscription)).to_string();
        self.visitor.topics.push(subscription);
        self.say(&frame);
    }

    /// Unsubscribes from a topic.
    pub fn unsubscribe(&mut self, topic: &str) {
        self.visitor.topics.retain(|known| known.topic != topic);
        self.places.forget(topic);
        self.say(&serde_json::json!({ "type": "unsubscribe", "topics": [topic] }).to_string());
    }

    /// Acknowledges a message that is kept for the user, and all before it: they do not come again to this device.
    /// Without a connection it is said by the next one.
    pub fn acknowledge(&mut self, cursor: &str) {
        let frame = serde_json::json!({ "type": "ack", "cursor": cursor }).to_string();
        if !self.say(&frame) {
            self.unsaid = Some(frame);
        }
    }

    /// Goes on with another token, now and for every connection to come, unless those are
    /// [asked for](Builder::tokens).
    pub fn refresh(&mut self, token: impl Into<String>) {
        let token = token.into();
        self.say(&serde_json::json!({ "type": "refresh", "token": token }).to_string());
        self.visitor.token = Some(token);
    }

    /// Leaves: what has come already can still be asked for, then [`Event::Ended`] comes. A session that is dropped
    /// leaves, too, but acknowledges nothing more.
    pub fn leave(&mut self) {
        if let State::Connected(visit) = &mut self.state
            && self.events.is_empty()
        {
            // The connection is over in any case.
            let _ = visit.acknowledge(&self.visitor, &mut self.events);
        }
        self.go();
    }

    fn go(&mut self) {
        match mem::replace(&mut self.state, State::Over) {
            State::Connected(mut visit) => visit.leave(),
            State::Resting(_) => {}
            State::Over => return,
        }
        self.events.push_back(Event::Ended(Ended::Left));
    }

    fn connect(&mut self) {
        if let Some(tokens) = &mut self.tokens {
            match tokens() {
                Ok(token) => self.visitor.token = token,
                Err(error) => return self.end(Ended::NoToken(error)),
            }
        }
        match Visit::begin(&self.visitor, &self.places) {
            Ok(visit) => self.state = State::Connected(Box::new(visit)),
            Err(error) => {
                let doing = format!("cannot connect to {}", self.visitor.server.shown());
                self.part(End::of_error(&doing, &error, self.visitor.explain), false);
            }
        }
    }

    /// Reads once.
    fn go_on(&mut self) {
        let State::Connected(visit) = &mut self.state else { return };
        let Self { visitor, places, events, unsaid, .. } = self;
        let mut go_on = || {
            visit.acknowledge(visitor, events)?;
            if visit.is_open()
                && let Some(frame) = unsaid.take()
            {
                visit.say_frame(&frame, visitor, events)?;
            }
            visit.go_on(visitor, places, events)
        };
        let broke = |error| End::of_error("the connection broke", &error, visitor.explain);
        if let Some(end) = go_on().unwrap_or_else(|error| Some(broke(error))) {
            let was_held = visit.was_held();
            visit.leave();
            self.part(end, was_held);
        }
    }

    /// A connection is over.
    fn part(&mut self, end: End, was_held: bool) {
        match end {
            End::Final(why) => self.end(Ended::Final(why)),
            End::Passing { why, told } => {
                let pause = self.pauses.next(was_held, told);
                self.state = State::Resting(Instant::now() + pause);
                self.events.push_back(Event::Closed { why, pause });
            }
        }
    }

    fn end(&mut self, why: Ended) {
        self.state = State::Over;
        self.events.push_back(Event::Ended(why));
    }

    /// Sends a frame where the session is open; whether it was sent.
    fn say(&mut self, frame: &str) -> bool {
        match &mut self.state {
            State::Connected(visit) if visit.is_open() => {
                // A connection that breaks is found out by reading.
                visit.say_frame(frame, &self.visitor, &mut self.events).is_ok()
            }
            _ => false,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.go();
    }
}
