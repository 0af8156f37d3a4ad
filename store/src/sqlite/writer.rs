//! The thread that changes what is stored.
//!
//! It takes what waits, makes one transaction of it, and answers when that is safe; what comes meanwhile is the
//! next. A transaction that fails is undone: those it was for hear why, and the next one tries again.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, Result};

use super::{
    connection::{self, Purpose},
    disk, failure,
    housekeeping::Housekeeping,
    ledger::Ledger,
    queue::Queue,
    runs::Runs,
    shared::Shared,
    work::Work,
};

/// So many items are taken at a time.
const TAKEN: usize = 4096;
/// While another process writes, too, it is given this chance between two transactions.
const GAP: Duration = Duration::from_millis(1);
/// A process that wrote this long ago still does.
const OTHERS_WRITE: Duration = Duration::from_secs(1);

type Waiting = VecDeque<Box<dyn Work>>;

/// The writer of a store.
pub(super) struct Writer {
    shared: Arc<Shared>,
    queue: Arc<Queue<Box<dyn Work>>>,
    /// What was taken from the queue.
    waiting: Waiting,
    housekeeping: Housekeeping,
    runs: Runs,
    others: Others,
    is_short: bool,
}

/// What a transaction was for.
#[derive(Default)]
struct Turn {
    done: Vec<Box<dyn Work>>,
    /// What goes on in the next.
    unfinished: Option<Box<dyn Work>>,
}

impl Turn {
    fn advance(&mut self, mut work: Box<dyn Work>, ledger: &mut Ledger<'_>) -> Result<()> {
        let advanced = work.advance(ledger);
        if let Ok(false) = advanced {
            self.unfinished = Some(work);
        } else {
            self.done.push(work);
        }
        advanced.map(|_| ())
    }
}

/// Whether other processes change the file, too.
#[derive(Default)]
struct Others {
    version: i64,
    seen: Option<Instant>,
}

impl Others {
    /// Lets them come in between, if there are any.
    fn make_way(&mut self, connection: &Connection) -> Result<()> {
        let version = "PRAGMA data_version";
        let version = connection.prepare_cached(version)?.query_row([], |row| row.get(0))?;
        if self.version != 0 && version != self.version {
            self.seen = Some(Instant::now());
        }
        self.version = version;
        if self.seen.is_some_and(|seen| seen.elapsed() < OTHERS_WRITE) {
            thread::sleep(GAP);
        }
        Ok(())
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, queue: Arc<Queue<Box<dyn Work>>>) -> Self {
        let (waiting, housekeeping) = (Waiting::new(), Housekeeping::new());
        let (runs, others) = (Runs::default(), Others::default());
        Self { shared, queue, waiting, housekeeping, runs, others, is_short: false }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, mut connection: Option<Connection>) {
        loop {
            // Whatever goes wrong in one transaction must not be the end of all.
            let work = AssertUnwindSafe(|| self.work(connection.take()));
            match catch_unwind(work) {
                Ok(()) => return,
                Err(_) => self.shared.set_trouble(Some("the writer had to begin anew".to_owned())),
            }
            self.waiting.clear();
        }
    }

    fn work(&mut self, mut connection: Option<Connection>) {
        while let Some(taken) = self.take() {
            self.waiting.extend(taken);
            let opened = match connection.take() {
                Some(connection) => Ok(connection),
                None => connection::open(&self.shared.settings.file(), Purpose::Writing),
            };
            match opened {
                Ok(open) => {
                    self.turn(&open);
                    connection = Some(open);
                }
                Err(error) => self.fail_all(&failure::describe(&error)),
            }
        }
        if let Some(connection) = connection {
            let _at_the_next_start =
                connection.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(()));
        }
    }

    /// What waits; `None` at the end.
    fn take(&self) -> Option<Vec<Box<dyn Work>>> {
        if self.waiting.is_empty() {
            return self.queue.take(TAKEN, self.housekeeping.wait());
        }
        let room = TAKEN.saturating_sub(self.waiting.len());
        Some(self.queue.take(room, Duration::ZERO).unwrap_or_default())
    }

    /// One transaction, if there is anything to do.
    fn turn(&mut self, connection: &Connection) {
        let wrong = self.shared.now().wrong.map(|wrong| wrong.to_string());
        if wrong.is_some() {
            self.shared.set_trouble(wrong.clone());
        }
        self.refuse(wrong.as_deref());
        let due = self.look(connection, wrong.is_some());
        // While nothing could be written it is tried again, though nobody asks.
        let is_in_trouble = wrong.is_none() && self.shared.trouble().is_some();
        if self.waiting.is_empty() && !due && !is_in_trouble {
            return;
        }
        let begun = Instant::now();
        let mut turn = Turn::default();
        match self.transact(connection, due, &mut turn) {
            Ok(()) => {
                self.shared.counters.committed(begun.elapsed());
                self.shared.set_trouble(wrong);
                turn.done.into_iter().for_each(|work| work.answer());
                if let Some(work) = turn.unfinished {
                    self.waiting.push_front(work);
                }
            }
            Err(error) => self.undo(connection, turn, &failure::describe(&error)),
        }
    }

    /// After a transaction that failed.
    fn undo(&mut self, connection: &Connection, turn: Turn, reason: &str) {
        if !connection.is_autocommit() {
            let _is_undone_anyhow = connection.execute_batch("ROLLBACK");
        }
        self.shared.counters.failed();
        self.shared.set_trouble(Some(reason.to_owned()));
        self.housekeeping.put_off();
        let touched = turn.done.into_iter().chain(turn.unfinished);
        if touched.map(|work| work.fail(reason)).count() == 0 {
            // It could not even begin.
            self.fail_all(reason);
        }
    }

    /// Those who do not wait any more are not served; neither are those who need a clock, without one.
    fn refuse(&mut self, wrong: Option<&str>) {
        for work in std::mem::take(&mut self.waiting) {
            match wrong {
                Some(reason) if work.needs_the_time() => work.fail(reason),
                _ if work.is_given_up() => {}
                _ => self.waiting.push_back(work),
            }
        }
    }

    fn look(&mut self, connection: &Connection, is_clock_wrong: bool) -> bool {
        if self.housekeeping.wait().is_zero() {
            let directory = &self.shared.settings.directory;
            self.is_short = disk::is_nearly_full(directory, connection).unwrap_or(self.is_short);
            let file = self.shared.settings.file();
            if let Err(error) = connection::bound_log(connection, &file) {
                tracing::warn!(%error, "the write-ahead log could not be made short");
            }
        }
        if is_clock_wrong {
            self.housekeeping.put_off();
            return false;
        }
        self.housekeeping.look(connection, &self.shared).unwrap_or_else(|_| {
            self.housekeeping.put_off();
            false
        })
    }

    /// Does what waits, in order, until there is enough for a transaction.
    fn transact(&mut self, connection: &Connection, is_due: bool, turn: &mut Turn) -> Result<()> {
        self.others.make_way(connection)?;
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.runs.refresh(connection)?;
        let mut ledger = Ledger::new(connection, &self.shared, &self.runs, self.is_short)?;
        while ledger.budget > 0
            && turn.unfinished.is_none()
            && let Some(work) = self.waiting.pop_front()
        {
            turn.advance(work, &mut ledger)?;
        }
        if is_due {
            self.housekeeping.advance(&mut ledger)?;
        }
        ledger.finish()?;
        let Ledger { tally, totals, .. } = ledger;
        connection.prepare_cached("COMMIT")?.execute([])?;
        self.shared.counters.add(tally);
        self.shared.counters.hold(totals.messages, totals.bytes, totals.topics);
        Ok(())
    }

    /// Nobody who waits can be served.
    fn fail_all(&mut self, reason: &str) {
        self.shared.set_trouble(Some(reason.to_owned()));
        let rest = self.queue.take(usize::MAX, Duration::ZERO).unwrap_or_default();
        for work in std::mem::take(&mut self.waiting).into_iter().chain(rest) {
            work.fail(reason);
        }
    }
}
