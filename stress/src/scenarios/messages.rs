//! Messages through pusher-api: what to send in which scenario, and sending it meanwhile.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use ::settings::{ConfigError, Endpoint};

use super::run::Run;
use crate::{
    settings::{
        addresses::HttpServers,
        phase::Phase,
        phases::{Limit, Mode, Recipients},
        pushes::{Api, ApiKey},
        sessions::Sessions,
        tls::TlsChoice,
    },
    traffic::pusher::{self, order::Order, outcome::Outcome},
};

/// Nothing more comes after nothing has come for so long.
const SILENCE: Duration = Duration::from_secs(5);
/// Size of a message's data where the flags do not say.
const PAYLOAD: usize = 100;

/// An order of messages without limit to random users, one connection at a time.
pub(super) fn order(
    api: &Endpoint,
    key: &ApiKey,
    sessions: &Sessions,
) -> Result<Order, ConfigError> {
    Ok(Order {
        servers: HttpServers::new("--api", api, &TlsChoice::from(&sessions.tls))?,
        key: key.load()?,
        mode: Mode::Single,
        connections: 1,
        batch: 1,
        payload: PAYLOAD,
        recipients: Recipients::Random,
        topic: sessions.topic.clone(),
        user_prefix: sessions.user_prefix.clone(),
        online: Arc::default(),
        rate: 0.0,
        limit: Limit::Messages(u64::MAX),
        first: 0,
        run: 0,
        sequences: Arc::default(),
        phase: Arc::default(),
    })
}

/// The same where there may be no pusher-api.
pub(super) fn order_if_any(api: &Api, sessions: &Sessions) -> Result<Option<Order>, ConfigError> {
    let Some(endpoint) = &api.api else { return Ok(None) };
    order(endpoint, &api.key, sessions).map(Some)
}

/// Messages that are sent while something else happens.
pub(super) struct Messages {
    stop: Arc<AtomicBool>,
    phase: Arc<AtomicU8>,
    sender: JoinHandle<io::Result<Outcome>>,
    /// Messages that had arrived before where they had to.
    before: u64,
}

impl Messages {
    /// Says which phase of the scenario begins.
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

impl Run {
    /// Begins to send in a thread of its own.
    pub(super) fn start_messages(&self, order: Order) -> io::Result<Messages> {
        let order = Order { run: self.id, ..order };
        let stop = Arc::new(AtomicBool::new(false));
        let (phase, stopped) = (Arc::clone(&order.phase), Arc::clone(&stop));
        let sender = thread::Builder::new()
            .name("pusher".into())
            .spawn(move || pusher::run(&order, &stopped))?;
        Ok(Messages { stop, phase, sender, before: self.progress().arrived })
    }

    /// Ends the sending and waits until the answers are there; also how many messages had arrived
    /// before it began.
    pub(super) fn finish_messages(&mut self, messages: Messages) -> io::Result<(Outcome, u64)> {
        messages.stop.store(true, Ordering::Relaxed);
        let before = messages.before;
        self.join_messages(messages).map(|outcome| (outcome, before))
    }

    /// Waits for the end of the sending while progress is shown; Ctrl-C stops it.
    pub(super) fn join_messages(&mut self, messages: Messages) -> io::Result<Outcome> {
        while !messages.sender.is_finished() {
            if self.is_interrupted() {
                messages.stop.store(true, Ordering::Relaxed);
            }
            self.look("pushing");
        }
        messages.sender.join().expect("the pusher does not panic")
    }

    /// Waits until so many messages have arrived in all where they had to, or were for who was away, or nothing comes any more.
    pub(super) fn await_messages(&mut self, expected: u64) {
        let mut last = (0, Instant::now());
        self.wait("receiving", |run| {
            let now = run.progress();
            if now.messages != last.0 {
                last = (now.messages, Instant::now());
            }
            now.accounted() >= expected || last.1.elapsed() >= SILENCE
        });
    }
}
