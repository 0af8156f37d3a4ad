//! The file as it is at one moment.

use protocol::kept::Place;
use rusqlite::{Connection, Result};

use super::{ledger::Totals, runs::Runs, settings::Settings};

/// What one transaction of a reader sees.
pub(super) struct Snapshot<'r> {
    pub(super) connection: &'r Connection,
    pub(super) settings: &'r Settings,
    pub(super) runs: &'r Runs,
    pub(super) totals: Totals,
    /// Milliseconds since the Unix epoch.
    pub(super) now: i64,
}

impl Snapshot<'_> {
    /// The place of a number.
    pub(super) fn place(&self, number: i64) -> Place {
        self.runs.place(number)
    }

    /// Behind everything that there is.
    pub(super) fn end(&self) -> Place {
        self.place(self.totals.number)
    }

    /// The number of a place, if it is of this file's history.
    pub(super) fn believe(&self, place: Place) -> Option<i64> {
        self.runs.believe(place, self.totals.number)
    }
}

/// Calls with what the file is now.
pub(super) fn with<T>(
    connection: &Connection,
    settings: &Settings,
    runs: &mut Runs,
    now: u64,
    call: impl FnOnce(&Snapshot<'_>) -> T,
) -> Result<T> {
    // It ends with the transaction's guard, whatever happens.
    let transaction = connection.unchecked_transaction()?;
    runs.refresh(connection)?;
    let totals = Totals::read(connection)?;
    let seen = call(&Snapshot { connection, settings, runs, totals, now: now as i64 });
    transaction.commit()?;
    Ok(seen)
}
