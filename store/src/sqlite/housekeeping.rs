//! What the writer does between what it is asked: in slices, and only where something is due.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Result};

use super::{ids, ledger::Ledger, shared::Shared, sweeping};
use crate::contract::ID_REMEMBERED;

/// How often it is looked what is due.
const EVERY: Duration = Duration::from_secs(1);
/// So many messages, ids or logs at a time.
const SLICE: usize = 500;

/// What is to be done, and where it goes on.
pub(super) struct Housekeeping {
    looked: Option<Instant>,
    is_due: bool,
    /// The last log that was looked at.
    log: i64,
    found: Vec<(i64, bool)>,
}

impl Housekeeping {
    pub(super) fn new() -> Self {
        Self { looked: None, is_due: false, log: 0, found: Vec::new() }
    }

    /// Until it is time to look.
    pub(super) fn wait(&self) -> Duration {
        let passed = self.looked.map_or(EVERY, |looked| looked.elapsed());
        if self.is_due { Duration::ZERO } else { EVERY.saturating_sub(passed) }
    }

    /// Looks whether something is due, if it is time to.
    pub(super) fn look(&mut self, connection: &Connection, shared: &Shared) -> Result<bool> {
        if !self.is_due && self.wait().is_zero() {
            self.looked = Some(Instant::now());
            let now = shared.now().millis as i64;
            let over = "SELECT EXISTS (SELECT 1 FROM logs WHERE next_expiry <= ?1) OR \
                        EXISTS (SELECT 1 FROM (SELECT taken FROM ids ORDER BY entry LIMIT 1) WHERE taken <= ?2)";
            let old = now - ID_REMEMBERED.as_millis() as i64;
            let mut over = connection.prepare_cached(over)?;
            let is_over: bool = over.query_row((now, old), |row| row.get(0))?;
            let seen = sweeping::look(connection, &shared.settings, now, self.log, SLICE)?;
            self.log = seen.through;
            self.found = seen.found;
            self.is_due = is_over || !self.found.is_empty();
        }
        Ok(self.is_due)
    }

    /// Does a slice of what is due.
    pub(super) fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<()> {
        ledger.budget = ledger.budget.max(SLICE);
        let more_messages = sweeping::expire(ledger, SLICE)?;
        let more_ids = ids::forget_old(ledger, SLICE as i64)?;
        for log in std::mem::take(&mut self.found) {
            sweeping::clear(ledger, log)?;
        }
        self.is_due = more_messages || more_ids;
        Ok(())
    }

    /// Nothing of it is done before it is time to look again.
    pub(super) fn put_off(&mut self) {
        self.is_due = false;
        self.looked = Some(Instant::now());
    }
}
