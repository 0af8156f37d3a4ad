//! What a worker says to its parent: progress, that a wave has settled, and its report.

use std::{
    io::{self, Write},
    time::{Duration, Instant},
};

use client::State;
use limits::process::resident_bytes;

use super::{entry::Entry, state::Worker};
use crate::fleet::wire::{Event, say};

/// How often progress is reported.
pub(super) const REPORT_EVERY: Duration = Duration::from_millis(100);
/// How often the process looks at its memory.
const MEMORY_EVERY: Duration = Duration::from_secs(1);

impl Worker {
    /// Says so once every session of the wave is open or has failed.
    pub(super) fn settle(&mut self, events: &mut impl Write) -> io::Result<()> {
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

    /// Says where it stands, if that has changed and it is time to.
    pub(super) fn report(&mut self, events: &mut impl Write) -> io::Result<()> {
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

    /// Says everything, and ends.
    pub(super) fn finish(mut self, events: &mut impl Write) -> io::Result<()> {
        self.tally.held_to_end = self.tally.open();
        self.tally.recalls.missed = self.book.missed();
        self.tally.recalls.unheard = self.book.unheard();
        let kept = self.assignment.first + self.assignment.kept;
        let stays = |entry: &Entry| entry.session.state() == State::Live && entry.number < kept;
        let staying = self.sessions.iter().filter(|(_, entry)| stays(entry));
        self.tally.kept_to_end = staying.count() as u64;
        say(events, &Event::Progress(self.progress()))?;
        say(events, &Event::Report(Box::new(self.tally)))
    }
}
