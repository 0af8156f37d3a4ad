//! One worker, as its parent sees it.

use std::{collections::HashSet, ops::Range, process::Child};

use super::{
    start::Commands,
    wire::{Command, Event, Progress, say},
};
use crate::measurements::Tally;

/// Which of a worker's sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Every one.
    All,
    /// Those that are never dropped.
    Kept,
    /// The others.
    Rest,
}

/// What the parent knows of it.
pub(super) struct Member {
    pub(super) first: u32,
    pub(super) count: u32,
    pub(super) kept: u32,
    pub(super) commands: Commands,
    pub(super) child: Option<Child>,
    pub(super) progress: Progress,
    /// Whether what was to be opened is open or has failed, and what was to be closed is closed.
    pub(super) is_idle: bool,
    pub(super) failed: HashSet<u32>,
    pub(super) report: Option<Box<Tally>>,
    pub(super) gone: bool,
}

impl Member {
    pub(super) fn numbers(&self, part: Part) -> Range<u32> {
        let (first, kept, end) = (self.first, self.first + self.kept, self.first + self.count);
        match part {
            Part::All => first..end,
            Part::Kept => first..kept,
            Part::Rest => kept..end,
        }
    }

    pub(super) fn begin(&mut self, command: &Command) {
        self.is_idle = false;
        if let Command::Open(wave) = command {
            self.failed.retain(|number| !wave.numbers.contains(number));
        }
        // That it is gone shows in its events.
        let _ = say(&mut self.commands, command);
    }

    pub(super) fn on_event(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Progress(progress)) => self.progress = progress,
            Some(Event::Settled(failed)) => {
                self.failed.extend(failed);
                self.is_idle = true;
            }
            Some(Event::Dropped) => self.is_idle = true,
            Some(Event::Report(report)) => self.report = Some(report),
            None => self.on_gone(),
        }
    }

    /// All that a worker held goes with it.
    fn on_gone(&mut self) {
        self.gone = true;
        if self.report.is_none() {
            let failed = u64::from(self.count);
            self.progress = Progress { failed, ..Progress::default() };
        }
    }

    pub(super) fn owes_report(&self) -> bool {
        self.report.is_none() && !self.gone
    }

    pub(super) fn into_tally(mut self) -> Tally {
        drop(self.commands);
        if let Some(mut child) = self.child.take() {
            if self.report.is_none() {
                let _ = child.kill();
            }
            let _ = child.wait();
        }
        let lost = || Tally::of_dead_worker(u64::from(self.count));
        self.report.map_or_else(lost, |report| *report)
    }
}
