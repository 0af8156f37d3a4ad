//! A worker: one thread, one epoll, and a share of the sessions.
//!
//! Commands come in as lines; [`waves`] says which session is next and [`ramp`] opens it,
//! [`intake`] serves the sockets, [`departure`] closes sessions on purpose, and what happened is
//! counted in a [`Tally`] that goes back as the last line.

mod departure;
mod intake;
mod ramp;
mod waves;

use std::{
    collections::VecDeque,
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use limits::process::resident_bytes;
use mio::{Poll, Token, Waker, net::TcpStream};
use slab::Slab;

use crate::{
    fleet::{
        plan::Assignment,
        wire::{Command, Event, Progress, Wave},
    },
    measurements::{Arrivals, Tally},
    session::{Openings, Rules, Session, State},
};
use departure::Departure;
use waves::Opening;

/// The token of the parent's commands; sessions have their place in the slab.
const COMMANDS: Token = Token(usize::MAX);
/// How often progress is reported.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// How often the process looks at its memory.
const MEMORY_EVERY: Duration = Duration::from_secs(1);
/// What is read at once; shared by all sessions.
const SCRATCH_BYTES: usize = 64 * 1024;

struct Worker {
    poll: Poll,
    assignment: Assignment,
    openings: Openings,
    rules: Rules,
    /// All sessions that are not over.
    sessions: Slab<Entry>,
    opening: Opening,
    /// Handshakes in the order they began: place in the slab, number. Those that are over are
    /// skipped when their turn comes.
    deadlines: VecDeque<(usize, u32)>,
    departure: Option<Departure>,
    tally: Tally,
    memory: (Instant, u64),
    reported: (Instant, Progress),
    /// Whether the parent knows that the wave has settled.
    settled: bool,
    scratch: Box<[u8]>,
}

/// All that a session costs here while it is idle.
struct Entry {
    stream: TcpStream,
    session: Session,
    number: u32,
    /// When the connect began, in microseconds since the epoch.
    started: u64,
}

/// Works until told to finish, or until the parent is gone.
///
/// # Errors
/// No epoll, or nobody listens to the events any more.
pub(crate) fn run(commands: impl Read + Send + 'static, mut events: impl Write) -> io::Result<()> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), COMMANDS)?;
    let (sender, inbox) = mpsc::channel();
    thread::Builder::new().stack_size(256 * 1024).spawn(move || {
        for line in BufReader::new(commands).lines().map_while(Result::ok) {
            let Ok(command) = serde_json::from_str(&line) else { break };
            if sender.send(command).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        let _ = waker.wake();
    })?;
    match inbox.recv() {
        Ok(Command::Start(assignment)) => Worker::new(poll, *assignment).work(&inbox, &mut events),
        _ => Ok(()),
    }
}

impl Worker {
    fn new(poll: Poll, assignment: Assignment) -> Self {
        let openings = Openings::new(assignment.identity.clone());
        let accept = openings.accept().to_owned();
        let nothing = Wave { numbers: 0..0, rate: 0.0, retries: 0, until: None, returning: false };
        let memory = resident_bytes();
        let now = Instant::now();
        Self {
            poll,
            rules: Rules {
                needs_hello: assignment.needs_hello,
                echo_once: assignment.echo_once,
                accept,
            },
            openings,
            sessions: Slab::with_capacity(assignment.count as usize),
            opening: Opening::new(nothing, assignment.concurrency),
            deadlines: VecDeque::new(),
            departure: None,
            tally: Tally { memory: (memory, memory), ..Tally::default() },
            memory: (now, memory),
            reported: (now, Progress::default()),
            settled: true,
            scratch: vec![0; SCRATCH_BYTES].into(),
            assignment,
        }
    }

    fn work(mut self, inbox: &mpsc::Receiver<Command>, events: &mut impl Write) -> io::Result<()> {
        let mut ready = mio::Events::with_capacity(128);
        loop {
            self.open_due();
            if self.drop_due() {
                say(events, &Event::Progress(self.progress()))?;
                say(events, &Event::Dropped)?;
            }
            match self.poll.poll(&mut ready, Some(self.patience())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &ready {
                if event.token() != COMMANDS {
                    self.on_ready(event);
                }
            }
            // Several wakes may show as one event, so the inbox is emptied in any case.
            match self.obey(inbox) {
                Next::Work => {}
                Next::Finish => return self.finish(events),
                Next::Leave => return Ok(()),
            }
            self.expire();
            self.report(events)?;
            self.settle(events)?;
        }
    }

    fn patience(&self) -> Duration {
        let opening = self.opening.next_due();
        let dropping = self.departure.as_ref().map(Departure::next_due);
        opening.into_iter().chain(dropping).min().unwrap_or(REPORT_EVERY).min(REPORT_EVERY)
    }

    fn obey(&mut self, inbox: &mpsc::Receiver<Command>) -> Next {
        loop {
            match inbox.try_recv() {
                Ok(Command::Open(wave)) => {
                    self.opening = Opening::new(wave, self.assignment.concurrency);
                    self.settled = false;
                }
                Ok(Command::Drop(dropping)) => self.begin_dropping(&dropping),
                Ok(Command::Finish) => return Next::Finish,
                Ok(Command::Start(_)) => {}
                Err(mpsc::TryRecvError::Empty) => return Next::Work,
                Err(mpsc::TryRecvError::Disconnected) => return Next::Leave,
            }
        }
    }

    /// Where sessions of this wave are counted.
    fn arrivals(&mut self) -> &mut Arrivals {
        match self.opening.is_returning() {
            true => &mut self.tally.returns,
            false => &mut self.tally.arrivals,
        }
    }

    /// Says so once every session of the wave is open or has failed.
    fn settle(&mut self, events: &mut impl Write) -> io::Result<()> {
        if self.settled || !self.opening.is_settled() {
            return Ok(());
        }
        self.settled = true;
        // Idle sessions pay for nothing that only handshakes need.
        self.deadlines.shrink_to_fit();
        self.memory = (Instant::now(), resident_bytes());
        if !self.opening.is_returning() {
            self.tally.memory.1 = self.memory.1;
        }
        // What follows from being settled is reckoned from complete progress.
        say(events, &Event::Progress(self.progress()))?;
        say(events, &Event::Settled(self.opening.take_failed()))
    }

    fn report(&mut self, events: &mut impl Write) -> io::Result<()> {
        if self.memory.0.elapsed() >= MEMORY_EVERY {
            self.memory = (Instant::now(), resident_bytes());
        }
        let progress = self.progress();
        let (last, before) = self.reported;
        if last.elapsed() < REPORT_EVERY || before == progress {
            return Ok(());
        }
        self.reported = (Instant::now(), progress);
        say(events, &Event::Progress(progress))
    }

    fn progress(&self) -> Progress {
        Progress {
            open: self.tally.open(),
            failed: self.tally.failures.total(),
            lost: self.tally.losses.total(),
            messages: self.tally.messages,
            memory: self.memory.1,
        }
    }

    fn finish(mut self, events: &mut impl Write) -> io::Result<()> {
        self.tally.held_to_end = self.tally.open();
        let kept = self.assignment.first + self.assignment.kept;
        let stays = |entry: &Entry| entry.session.state() == State::Live && entry.number < kept;
        let staying = self.sessions.iter().filter(|(_, entry)| stays(entry));
        self.tally.kept_to_end = staying.count() as u64;
        say(events, &Event::Progress(self.progress()))?;
        say(events, &Event::Report(Box::new(self.tally)))
    }
}

/// What follows from the parent's commands.
enum Next {
    /// Go on.
    Work,
    /// Report and end.
    Finish,
    /// The parent is gone.
    Leave,
}

fn say(events: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    events.write_all(&line)?;
    events.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_costs_a_few_words() {
        // With the slab's own word, and two that mio's sockets have in debug builds; what else a
        // process needs is shared by all its sessions.
        assert!(size_of::<Entry>() + size_of::<usize>() <= 56);
    }
}
