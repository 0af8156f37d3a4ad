//! One worker, as its parent sees it.

use std::{collections::HashSet, ops::Range, process::Child};

use super::{
    assignment::Assignment,
    start::Commands,
    wire::{Command, Event, Progress, say},
};
use crate::measurements::tally::Tally;

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
    first: u32,
    count: u32,
    kept: u32,
    pub(super) commands: Commands,
    pub(super) child: Option<Child>,
    pub(super) progress: Progress,
    /// Whether what was to be opened is open or has failed, and what was to be closed is closed.
    pub(super) is_idle: bool,
    pub(super) failed: HashSet<u32>,
    report: Option<Box<Tally>>,
    pub(super) gone: bool,
}

impl Member {
    /// One that was started with this assignment, and has said nothing yet.
    pub(super) fn new(assignment: &Assignment, commands: Commands, child: Option<Child>) -> Self {
        Self {
            first: assignment.first,
            count: assignment.count,
            kept: assignment.kept,
            commands,
            child,
            progress: Progress::default(),
            is_idle: true,
            failed: HashSet::new(),
            report: None,
            gone: false,
        }
    }

    /// The numbers of its sessions.
    pub(super) fn numbers(&self, part: Part) -> Range<u32> {
        let (first, kept, end) = (self.first, self.first + self.kept, self.first + self.count);
        match part {
            Part::All => first..end,
            Part::Kept => first..kept,
            Part::Rest => kept..end,
        }
    }

    /// Tells it to open or to close sessions.
    pub(super) fn begin(&mut self, command: &Command) {
        self.is_idle = false;
        if let Command::Open(wave) = command {
            self.failed.retain(|number| !wave.numbers.contains(number));
        }
        // That it is gone shows in its events.
        let _ = say(&mut self.commands, command);
    }

    /// It has said something, or is gone.
    pub(super) fn on_event(&mut self, event: Option<Event>) {
        match event {
            Some(Event::Progress(progress)) => self.progress = progress,
            Some(Event::Settled(failed)) => {
                self.failed.extend(failed);
                self.is_idle = true;
            }
            Some(Event::Dropped | Event::Asked) => self.is_idle = true,
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

    /// Whether a report is still to come.
    pub(super) fn owes_report(&self) -> bool {
        self.report.is_none() && !self.gone
    }

    /// What it counted, once it is over; a process that does not end by itself is ended.
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
