//! The parent's side of its workers: starts them, follows their progress, merges their reports.
//!
//! A single worker is a thread of this process. Several are processes: this program again, with
//! the hidden subcommand `stress worker`. A worker's commands come through a pipe, so no secret
//! stands on a command line and the worker ends with its parent.

use std::{
    collections::VecDeque,
    io,
    num::NonZero,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use limits::process::resident_bytes;

use super::{
    assignment::Assignment,
    member::{Member, Part},
    start::{start_process, start_thread},
    wire::{Command, Dropping, Event, Progress, Wave, say},
};
use crate::measurements::tally::Tally;

/// How long workers may take to write their reports and to end.
const FINISH_WITHIN: Duration = Duration::from_secs(60);

/// All workers.
pub(crate) struct Fleet {
    workers: Vec<Member>,
    /// Those that will open sessions when others are done.
    queue: VecDeque<(usize, Wave)>,
    events: Receiver<(usize, Option<Event>)>,
}

/// How sessions are opened.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Sessions per second, over all workers; 0 is as fast as possible.
    pub rate: f64,
    /// How often a session that could not be opened is tried again.
    pub retries: u32,
    /// When to give up, in microseconds since the epoch.
    pub until: Option<u64>,
    /// Whether they were open before.
    pub returning: bool,
}

impl Fleet {
    /// Starts a worker for each assignment.
    ///
    /// # Errors
    /// No process, thread or pipe.
    pub(crate) fn start(assignments: Vec<Assignment>) -> io::Result<Self> {
        let (sender, events) = mpsc::channel();
        let alone = assignments.len() == 1;
        let mut workers = Vec::new();
        for (index, assignment) in assignments.into_iter().enumerate() {
            let (commands, child) = match alone {
                true => (start_thread(sender.clone())?, None),
                false => start_process(index, sender.clone())?,
            };
            let mut member = Member::new(&assignment, commands, child);
            say(&mut member.commands, &Command::Start(Box::new(assignment)))?;
            workers.push(member);
        }
        Ok(Self { workers, queue: VecDeque::new(), events })
    }

    /// Takes what workers say, until `deadline` at the latest or as soon as they have said
    /// something.
    pub(crate) fn listen(&mut self, deadline: Instant) {
        let wait = deadline.saturating_duration_since(Instant::now());
        let mut next = self.events.recv_timeout(wait).ok();
        while let Some((index, event)) = next {
            self.workers[index].on_event(event);
            next = self.events.try_recv().ok();
        }
        self.let_begin(processes_at_once());
    }

    /// Where all of them stand together.
    pub(crate) fn progress(&self) -> Progress {
        let mut total = Progress::default();
        self.workers.iter().for_each(|worker| total += worker.progress);
        total
    }

    /// Opens sessions: at a given rate with all workers, as fast as possible with few at a time,
    /// because a core that goes from process to process does little in each.
    pub(crate) fn open(&mut self, part: Part, manner: Manner) {
        let Manner { retries, until, returning, .. } = manner;
        let rate = manner.rate / self.workers.len() as f64;
        self.queue.clear();
        for (index, worker) in self.workers.iter_mut().enumerate() {
            worker.is_idle = false;
            let numbers = worker.numbers(part);
            self.queue.push_back((index, Wave { numbers, rate, retries, until, returning }));
        }
        self.let_begin(if rate > 0.0 { usize::MAX } else { processes_at_once() });
    }

    fn let_begin(&mut self, at_once: usize) {
        let busy = self.workers.iter().filter(|worker| !worker.is_idle && !worker.gone).count();
        let waiting = self.queue.iter().filter(|next| !self.workers[next.0].gone).count();
        let mut busy = busy.saturating_sub(waiting);
        while busy < at_once
            && let Some((index, wave)) = self.queue.pop_front()
        {
            self.workers[index].begin(&Command::Open(wave));
            busy += 1;
        }
    }

    /// Closes the sessions that are not to be kept, spread over this time.
    pub(crate) fn drop_rest(&mut self, over: Duration) {
        for worker in &mut self.workers {
            let numbers = worker.numbers(Part::Rest);
            let rate = match over.is_zero() {
                true => 0.0,
                false => numbers.len() as f64 / over.as_secs_f64(),
            };
            worker.begin(&Command::Drop(Dropping { numbers, rate }));
        }
    }

    /// Asks every open session whether its server is there; those that stay silent for so long are
    /// lost.
    pub(crate) fn ask(&mut self, within: Duration) {
        self.workers.iter_mut().for_each(|worker| worker.begin(&Command::Ask(within)));
    }

    /// Whether all that was to be opened is open or has failed, and all that was to be closed is
    /// closed.
    pub(crate) fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.workers.iter().all(|worker| worker.is_idle || worker.gone)
    }

    /// The numbers of the sessions that could be opened.
    pub(crate) fn online(&self, part: Part) -> Vec<u32> {
        let mut online = Vec::new();
        for worker in self.workers.iter().filter(|worker| !worker.gone) {
            let numbers = worker.numbers(part);
            online.extend(numbers.filter(|number| !worker.failed.contains(number)));
        }
        online
    }

    /// Memory of the client: its processes, in bytes of RSS.
    pub(crate) fn memory(&self) -> u64 {
        let parent = match self.workers.iter().any(|worker| worker.child.is_some()) {
            true => resident_bytes(),
            false => 0,
        };
        parent + self.progress().memory
    }

    /// Ends all sessions and merges the reports.
    pub(crate) fn finish(mut self) -> Tally {
        for worker in &mut self.workers {
            // A worker that is gone is found out below.
            let _ = say(&mut worker.commands, &Command::Finish);
        }
        let deadline = Instant::now() + FINISH_WITHIN;
        while self.workers.iter().any(Member::owes_report) && Instant::now() < deadline {
            self.listen(deadline);
        }
        let mut total = Tally::default();
        self.workers.into_iter().for_each(|worker| total.merge(worker.into_tally()));
        total
    }
}

/// How many workers open sessions at a time if that is to be fast: each keeps a server busy.
fn processes_at_once() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}
