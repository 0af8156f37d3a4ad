//! Taking note of what devices have.

use protocol::kept::Log;
use rusqlite::Result;

use super::{devices, ledger::Ledger, log_row::LogRow, settling::settle, work::Task};
use crate::contract::Acknowledged;

/// Acknowledgements, the first of which are done.
pub(super) struct Acknowledging {
    all: Vec<Acknowledged>,
    done: usize,
    /// The next one was begun: not all that it lets go is deleted.
    is_within: bool,
}

impl Acknowledging {
    pub(super) fn new(all: Vec<Acknowledged>) -> Self {
        Self { all, done: 0, is_within: false }
    }

    /// Does the next one; says whether there is more to delete for it.
    fn next(&self, ledger: &mut Ledger<'_>) -> Result<bool> {
        let Acknowledged { user, device, place } = &self.all[self.done];
        let Some(number) = ledger.believe(*place) else { return Ok(false) };
        let Some(mut row) = LogRow::find(ledger.connection, &Log::User(user.clone()))? else {
            return Ok(false);
        };
        let device = devices::name(device.as_ref());
        let is_news = devices::acknowledge(ledger, row.id, device, number)?;
        ledger.spend(1);
        if !is_news && !self.is_within {
            return Ok(false);
        }
        Ok(settle(ledger, &mut row)?.more)
    }
}

impl Task for Acknowledging {
    type Answer = ();

    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<Option<()>> {
        while self.done < self.all.len() {
            if ledger.budget == 0 {
                return Ok(None);
            }
            self.is_within = self.next(ledger)?;
            if self.is_within {
                return Ok(None);
            }
            self.done += 1;
        }
        Ok(Some(()))
    }
}
