//! A worker: one thread, one epoll, and a share of the sessions.
//!
//! Commands come in as lines; [`ramp`] opens sessions, [`intake`] serves their sockets, and what
//! happened is counted in a [`Tally`] that goes back as the last line.

mod intake;
mod ramp;

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use mio::{Poll, Token, Waker, net::TcpStream};
use slab::Slab;

use crate::{
    opening::Openings,
    plan::Assignment,
    session::{Rules, Session},
    tally::Tally,
    wire::{Command, Event, Progress},
};

/// The token of the parent's commands; sessions have their place in the slab.
const COMMANDS: Token = Token(usize::MAX);
/// How often progress is reported.
const REPORT_EVERY: Duration = Duration::from_millis(100);
/// What is read at once; shared by all sessions.
const SCRATCH_BYTES: usize = 64 * 1024;

struct Worker {
    poll: Poll,
    assignment: Assignment,
    openings: Openings,
    rules: Rules,
    /// All sessions that are not over.
    sessions: Slab<Entry>,
    ramp: ramp::Ramp,
    tally: Tally,
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
pub fn run(commands: impl Read + Send + 'static, mut events: impl Write) -> io::Result<()> {
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
        Ok(Command::Finish) | Err(_) => Ok(()),
    }
}

impl Worker {
    fn new(poll: Poll, assignment: Assignment) -> Self {
        let openings = Openings::new(assignment.identity.clone());
        let accept = openings.accept().to_owned();
        let memory = resident_bytes();
        Self {
            poll,
            rules: Rules { needs_hello: assignment.needs_hello, accept },
            openings,
            sessions: Slab::with_capacity(assignment.count as usize),
            ramp: ramp::Ramp::new(&assignment),
            tally: Tally { memory: (memory, memory), ..Tally::default() },
            scratch: vec![0; SCRATCH_BYTES].into(),
            assignment,
        }
    }

    fn work(mut self, inbox: &mpsc::Receiver<Command>, events: &mut impl Write) -> io::Result<()> {
        let mut ready = mio::Events::with_capacity(1024);
        let mut reported = (Instant::now(), Progress::default());
        let mut settled = false;
        loop {
            self.open_due();
            let wait = self.ramp.next_due().unwrap_or(REPORT_EVERY).min(REPORT_EVERY);
            match self.poll.poll(&mut ready, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &ready {
                if event.token() != COMMANDS {
                    self.on_ready(event);
                    continue;
                }
                match inbox.try_recv() {
                    Ok(Command::Finish) => return self.finish(events),
                    Ok(Command::Start(_)) | Err(mpsc::TryRecvError::Empty) => {}
                    Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
                }
            }
            self.expire();
            self.report(events, &mut reported)?;
            if !settled && self.ramp.is_settled() {
                settled = true;
                self.tally.memory.1 = resident_bytes();
                // What follows from being settled is reckoned from complete progress.
                say(events, &Event::Progress(self.progress()))?;
                say(events, &Event::Settled(self.ramp.take_failed()))?;
            }
        }
    }

    fn report(
        &self,
        events: &mut impl Write,
        reported: &mut (Instant, Progress),
    ) -> io::Result<()> {
        let (last, before) = reported;
        let progress = self.progress();
        if last.elapsed() < REPORT_EVERY || *before == progress {
            return Ok(());
        }
        *reported = (Instant::now(), progress);
        say(events, &Event::Progress(progress))
    }

    fn progress(&self) -> Progress {
        let lost = self.tally.losses.total();
        Progress {
            open: self.tally.held - lost,
            failed: self.tally.failures.total(),
            lost,
            messages: self.tally.messages,
        }
    }

    fn finish(mut self, events: &mut impl Write) -> io::Result<()> {
        self.tally.held_to_end = self.progress().open;
        say(events, &Event::Progress(self.progress()))?;
        say(events, &Event::Report(Box::new(self.tally)))
    }
}

fn say(events: &mut impl Write, event: &Event) -> io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    events.write_all(&line)?;
    events.flush()
}

/// This process's memory, in bytes of RSS.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
