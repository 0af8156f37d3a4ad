//! Deleting what every device of a user has acknowledged.

use protocol::kept::Gap;
use rusqlite::Result;

use super::{
    counts::count_if_any,
    ledger::Ledger,
    log_row::LogRow,
    removing::{Removed, Until, remove},
};

/// Deletes what every device of a user has acknowledged, and writes the log's row back if that was something.
pub(super) fn settle(ledger: &mut Ledger<'_>, row: &mut LogRow) -> Result<Removed> {
    if row.messages == 0 {
        return Ok(Removed::default());
    }
    let all = "SELECT min(acknowledged) FROM devices WHERE log = ?1";
    let mut all = ledger.connection.prepare_cached(all)?;
    let all: Option<i64> = all.query_row([row.id], |row| count_if_any(row, 0))?;
    let until = Until::Number(all.unwrap_or(0));
    let removed = remove(ledger, row, until, Gap::Acknowledged)?;
    if removed.messages > 0 {
        ledger.store(row)?;
    }
    Ok(removed)
}
