//! Taking note of a session that begins, where that changes what is stored.

use protocol::{
    Device, UserId,
    kept::{Log, Place},
};
use rusqlite::{OptionalExtension as _, Result};

use super::{
    counts::count, devices, ledger::Ledger, log_row::LogRow, settling::settle, work::Task,
};

/// A session that begins.
pub(super) struct Beginning {
    pub(super) user: UserId,
    pub(super) device: Option<Device>,
    pub(super) after: Option<Place>,
}

impl Task for Beginning {
    /// Whether the device was not the user's before.
    type Answer = bool;

    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<Option<bool>> {
        let mut row = ledger.log(&Log::User(self.user.clone()))?;
        let device = devices::name(self.device.as_ref());
        let after = self.after.and_then(|place| ledger.believe(place));
        let known = devices::find(ledger.connection, row.id, device)?;
        let is_known =
            known.is_some_and(|known| known.seen > ledger.shared.settings.unseen_since(ledger.now));
        ledger.spend(1);
        if is_known {
            let seen = "UPDATE devices SET seen = ?3, acknowledged = max(acknowledged, ?4) \
                        WHERE log = ?1 AND device = ?2";
            let values = (row.id, device, ledger.now, after.unwrap_or(0));
            ledger.connection.prepare_cached(seen)?.execute(values)?;
        } else {
            let number = match after {
                Some(number) => number,
                None => before_first(ledger, &row)?,
            };
            devices::insert(ledger, row.id, device, number)?;
        }
        // What is left for want of budget goes with the next acknowledgement.
        settle(ledger, &mut row)?;
        Ok(Some(!is_known))
    }
}

/// The number before the first message that is kept in a log.
fn before_first(ledger: &Ledger<'_>, row: &LogRow) -> Result<i64> {
    if row.messages == 0 {
        return Ok(ledger.totals.number);
    }
    let first = "SELECT number FROM messages WHERE log = ?1 AND expires > ?2 \
                 ORDER BY number LIMIT 1";
    let mut first = ledger.connection.prepare_cached(first)?;
    let first = first.query_row((row.id, ledger.now), |row| count(row, 0));
    Ok(first.optional()?.map_or(ledger.totals.number, |number: i64| number - 1))
}
