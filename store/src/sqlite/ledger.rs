//! A transaction, and what it has done so far.

use std::sync::Arc;

use protocol::kept::{Log, Place};
use rusqlite::{Connection, Result, params};

use super::{counters::Tally, counts::count, log_row::LogRow, runs::Runs, shared::Shared};

/// About so many rows are changed in one transaction: what takes longer goes on in the next.
const ROWS: usize = 2_000;

/// A transaction of the writer.
pub(super) struct Ledger<'w> {
    pub(super) connection: &'w Connection,
    pub(super) shared: &'w Arc<Shared>,
    pub(super) runs: &'w Runs,
    /// Milliseconds since the Unix epoch.
    pub(super) now: i64,
    pub(super) totals: Totals,
    pub(super) tally: Tally,
    /// How many more rows should be changed.
    pub(super) budget: usize,
    /// The disk is nearly full.
    pub(super) is_short: bool,
}

/// What is known of the file as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Totals {
    /// The last number that was given.
    pub(super) number: i64,
    pub(super) messages: i64,
    pub(super) bytes: i64,
    pub(super) topics: i64,
    /// Of logs that are forgotten, the highest number.
    pub(super) horizon: i64,
    /// The latest time seen: milliseconds since the Unix epoch.
    pub(super) clock: i64,
}

impl Totals {
    pub(super) fn read(connection: &Connection) -> Result<Self> {
        let read = "SELECT number, messages, bytes, topics, horizon, clock FROM state";
        connection.prepare_cached(read)?.query_row([], |row| {
            Ok(Self {
                number: count(row, 0)?,
                messages: count(row, 1)?,
                bytes: count(row, 2)?,
                topics: count(row, 3)?,
                horizon: count(row, 4)?,
                clock: count(row, 5)?,
            })
        })
    }

    pub(super) fn write(&self, connection: &Connection) -> Result<()> {
        let write = "UPDATE state SET number = ?1, messages = ?2, bytes = ?3, topics = ?4, horizon = ?5, clock = ?6";
        let Self { number, messages, bytes, topics, horizon, clock } = self;
        let values = params![number, messages, bytes, topics, horizon, clock];
        connection.prepare_cached(write)?.execute(values)?;
        Ok(())
    }
}

impl<'w> Ledger<'w> {
    /// Of a transaction that has begun.
    pub(super) fn new(
        connection: &'w Connection,
        shared: &'w Arc<Shared>,
        runs: &'w Runs,
        is_short: bool,
    ) -> Result<Self> {
        let totals = Totals::read(connection)?;
        let now = shared.now().millis as i64;
        let tally = Tally::default();
        Ok(Self { connection, shared, runs, now, totals, tally, budget: ROWS, is_short })
    }

    /// The row of a log, which gets one if it has none.
    pub(super) fn log(&self, log: &Log) -> Result<LogRow> {
        match LogRow::find(self.connection, log)? {
            Some(row) => Ok(row),
            None => LogRow::insert(self.connection, log, self.totals.number, self.now),
        }
    }

    /// Writes a log's row back.
    pub(super) fn store(&mut self, row: &LogRow) -> Result<()> {
        let (is_kept, was_kept) = (row.messages > 0, row.stored.messages > 0);
        if row.is_topic && is_kept != was_kept {
            self.totals.topics += if is_kept { 1 } else { -1 };
        }
        row.store(self.connection, self.now)
    }

    /// Takes note that a log has so many messages and bytes more.
    pub(super) fn grow(&mut self, row: &mut LogRow, messages: i64, bytes: i64) {
        row.messages += messages;
        row.bytes += bytes;
        self.totals.messages += messages;
        self.totals.bytes += bytes;
    }

    /// The next number.
    pub(super) fn number(&mut self) -> i64 {
        self.totals.number += 1;
        self.totals.number
    }

    /// So many rows were changed.
    pub(super) fn spend(&mut self, rows: usize) {
        self.budget = self.budget.saturating_sub(rows);
    }

    /// The number of a place, if it is of this file's history.
    pub(super) fn believe(&self, place: Place) -> Option<i64> {
        self.runs.believe(place, self.totals.number)
    }

    /// Writes back what is known of the file as a whole, just before the end.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.totals.clock = self.totals.clock.max(self.now);
        self.totals.write(self.connection)
    }
}
