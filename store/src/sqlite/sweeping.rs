//! What goes by itself: messages whose time is over, devices that do not come back, logs in which nothing is left.

use rusqlite::{Connection, Result};

use super::{ledger::Ledger, log_row::LogRow, removing, settings::Settings, settling::settle};
use crate::contract::FLOORS_KEPT;

/// Deletes messages whose time is over, in the logs where that is so first; says whether there are more.
pub(super) fn expire(ledger: &mut Ledger<'_>, most: usize) -> Result<bool> {
    let over = "SELECT log FROM logs INDEXED BY logs_by_expiry WHERE next_expiry <= ?1 LIMIT ?2";
    let mut over = ledger.connection.prepare_cached(over)?;
    let logs = over.query_map((ledger.now, most as i64), |row| row.get(0))?;
    let logs = logs.collect::<Result<Vec<i64>>>()?;
    for log in &logs {
        if ledger.budget == 0 {
            return Ok(true);
        }
        if let Some(mut row) = LogRow::get(ledger.connection, *log)? {
            removing::expire(ledger, &mut row)?;
            ledger.store(&row)?;
        }
        ledger.spend(1);
    }
    Ok(logs.len() == most)
}

/// Logs from which something may go, among the next ones.
pub(super) struct Candidates {
    /// The last log that was looked at; 0 after the last one.
    pub(super) through: i64,
    /// Logs, and whether they themselves may go.
    pub(super) found: Vec<(i64, bool)>,
}

/// Looks through the next logs for those that were idle for long.
pub(super) fn look(
    connection: &Connection,
    settings: &Settings,
    now: i64,
    after: i64,
    most: usize,
) -> Result<Candidates> {
    let next = "SELECT log, messages = 0 AND touched <= ?2, \
                EXISTS (SELECT 1 FROM devices WHERE devices.log = logs.log AND seen <= ?3), \
                EXISTS (SELECT 1 FROM devices WHERE devices.log = logs.log) \
                FROM logs WHERE log > ?1 ORDER BY log LIMIT ?4";
    let mut next = connection.prepare_cached(next)?;
    let unseen = settings.unseen_since(now);
    let mut rows = next.query((after, untouched_since(now), unseen, most as i64))?;
    let mut candidates = Candidates { through: 0, found: Vec::new() };
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let (log, is_idle, has_old_device, has_device) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, bool>(3)?);
        candidates.through = log;
        count += 1;
        if has_old_device || (is_idle && !has_device) {
            candidates.found.push((log, is_idle));
        }
    }
    if count < most {
        candidates.through = 0;
    }
    Ok(candidates)
}

/// Drops what may go of a log: devices that were not seen for long, and the log itself if nothing is left of it.
pub(super) fn clear(ledger: &mut Ledger<'_>, (log, is_idle): (i64, bool)) -> Result<()> {
    let connection = ledger.connection;
    let drop_devices = "DELETE FROM devices WHERE log = ?1 AND seen <= ?2";
    let unseen = ledger.shared.settings.unseen_since(ledger.now);
    let dropped = connection.prepare_cached(drop_devices)?.execute((log, unseen))?;
    ledger.spend(1 + dropped);
    let Some(mut row) = LogRow::get(connection, log)? else { return Ok(()) };
    if dropped > 0 {
        settle(ledger, &mut row)?;
    }
    let drop_log = "DELETE FROM logs WHERE log = ?1 AND messages = 0 AND touched <= ?2 \
                    AND NOT EXISTS (SELECT 1 FROM devices WHERE devices.log = ?1)";
    let values = (log, untouched_since(ledger.now));
    if is_idle && connection.prepare_cached(drop_log)?.execute(values)? > 0 {
        ledger.totals.horizon = ledger.totals.horizon.max(row.last);
    }
    Ok(())
}

/// The floors of a log that was last touched then, or before, are not needed any more.
fn untouched_since(now: i64) -> i64 {
    now - FLOORS_KEPT.as_millis() as i64
}
