//! Deleting what is kept in a log.

use protocol::kept::{Gap, Log};
use rusqlite::Result;

use super::{
    ledger::Ledger,
    log_row::LogRow,
    removing::{Until, remove},
    work::Task,
};

/// A log that is to be emptied.
pub(super) struct Forgetting {
    log: Log,
    /// The last number that is deleted, known from the first transaction on: what is appended meanwhile stays.
    through: Option<i64>,
    deleted: u64,
}

impl Forgetting {
    pub(super) fn new(log: Log) -> Self {
        Self { log, through: None, deleted: 0 }
    }
}

impl Task for Forgetting {
    type Answer = u64;

    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<Option<u64>> {
        let Some(mut row) = LogRow::find(ledger.connection, &self.log)? else {
            return Ok(Some(self.deleted));
        };
        let through = *self.through.get_or_insert(ledger.totals.number);
        let removed = remove(ledger, &mut row, Until::Number(through), Gap::Deleted)?;
        self.deleted += removed.live;
        if removed.messages > 0 {
            ledger.store(&row)?;
        }
        Ok((!removed.more).then_some(self.deleted))
    }
}
