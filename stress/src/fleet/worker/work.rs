//! A worker's loop: obeys its parent, serves its sockets, and says what happens.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

use mio::{Poll, Token, Waker};

use super::{
    accounts::REPORT_EVERY,
    departure::Departure,
    posting::POSTS,
    roll_call::{Called, RollCall},
    state::Worker,
    waves::Opening,
};
use crate::{
    fleet::wire::{Command, Event, say},
    session::failure::Failure,
};

/// The token of the parent's commands; sessions have their place in the slab.
const COMMANDS: Token = Token(usize::MAX);

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
        Ok(Command::Start(assignment)) => Worker::new(poll, *assignment)?.work(&inbox, &mut events),
        _ => Ok(()),
    }
}

impl Worker {
    fn work(mut self, inbox: &mpsc::Receiver<Command>, events: &mut impl Write) -> io::Result<()> {
        let mut ready = mio::Events::with_capacity(128);
        loop {
            self.open_due();
            self.drop_due(events)?;
            match self.poll.poll(&mut ready, Some(self.patience())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for event in &ready {
                match event.token() {
                    COMMANDS => {}
                    token if token.0 >= POSTS => self.on_post_ready(token),
                    _ => self.on_ready(event),
                }
            }
            // Several wakes may show as one event, so the inbox is emptied in any case.
            match self.obey(inbox) {
                Next::Work => {}
                Next::Finish => return self.finish(events),
                Next::Leave => return Ok(()),
            }
            self.expire();
            self.posts.expire();
            self.begin_posts();
            self.call_roll(events)?;
            self.report(events)?;
            self.settle(events)?;
        }
    }

    /// Closes what is due on purpose, and says so once all is closed.
    fn drop_due(&mut self, events: &mut impl Write) -> io::Result<()> {
        let Some(departure) = &mut self.departure else { return Ok(()) };
        let (closed, is_over) = departure.close_due(&mut self.sessions);
        self.tally.dropped += closed;
        if !is_over {
            return Ok(());
        }
        self.departure = None;
        say(events, &Event::Progress(self.progress()))?;
        say(events, &Event::Dropped)
    }

    /// Asks who is still there, and says so once everybody has answered or is given up.
    fn call_roll(&mut self, events: &mut impl Write) -> io::Result<()> {
        let Some(call) = &mut self.roll_call else { return Ok(()) };
        let has_room = !self.posts.is_full();
        let called = call.call(&mut self.sessions, &self.secured, has_room);
        let Called { asked, posts, inside, silent, is_over } = called;
        self.tally.asked += asked;
        silent.into_iter().for_each(|place| self.end(place, Failure::Silent));
        posts.into_iter().for_each(|(place, question)| self.post(place, question));
        for (place, question) in inside {
            // A session that cannot be asked is over.
            self.say(place, &question);
        }
        if !is_over {
            return Ok(());
        }
        self.roll_call = None;
        say(events, &Event::Progress(self.progress()))?;
        say(events, &Event::Asked)
    }

    fn patience(&self) -> Duration {
        let opening = self.opening.next_due();
        let dropping = self.departure.as_ref().map(Departure::next_due);
        let has_room = !self.posts.is_full();
        let asking = self.roll_call.as_ref().map(|call| call.next_due(has_room));
        opening
            .into_iter()
            .chain(dropping)
            .chain(asking)
            .min()
            .unwrap_or(REPORT_EVERY)
            .min(REPORT_EVERY)
    }

    fn obey(&mut self, inbox: &mpsc::Receiver<Command>) -> Next {
        loop {
            match inbox.try_recv() {
                Ok(Command::Open(wave)) => {
                    self.opening = Opening::new(wave, self.assignment.concurrency);
                    self.settled = false;
                }
                Ok(Command::Drop(dropping)) => {
                    self.departure = Some(Departure::begin(&dropping, &self.sessions));
                }
                Ok(Command::Ask(within)) => {
                    let most = self.assignment.concurrency;
                    self.roll_call = Some(RollCall::begin(within, most, &self.sessions));
                }
                Ok(Command::Finish) => return Next::Finish,
                Ok(Command::Start(_)) => {}
                Err(mpsc::TryRecvError::Empty) => return Next::Work,
                Err(mpsc::TryRecvError::Disconnected) => return Next::Leave,
            }
        }
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
