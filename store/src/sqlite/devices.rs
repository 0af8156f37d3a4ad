//! A user's devices, and what they have acknowledged.

use protocol::Device;
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::{counts::count, ledger::Ledger};

/// How far a device is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// The number up to which it has acknowledged.
    pub(super) acknowledged: i64,
    /// When it last began a session: milliseconds since the epoch.
    pub(super) seen: i64,
}

/// The name under which a device is stored.
pub(super) fn name(device: Option<&Device>) -> &str {
    device.map_or("", Device::as_str)
}

/// A device of a user.
pub(super) fn find(connection: &Connection, log: i64, device: &str) -> Result<Option<Known>> {
    let find = "SELECT acknowledged, seen FROM devices WHERE log = ?1 AND device = ?2";
    connection
        .prepare_cached(find)?
        .query_row((log, device), |row| {
            Ok(Known { acknowledged: count(row, 0)?, seen: count(row, 1)? })
        })
        .optional()
}

/// Takes note of a new device; the one seen longest ago goes if there are too many.
pub(super) fn insert(ledger: &Ledger<'_>, log: i64, device: &str, acknowledged: i64) -> Result<()> {
    let connection = ledger.connection;
    let count = "SELECT count(*) FROM devices WHERE log = ?1";
    let count: i64 = connection.prepare_cached(count)?.query_row([log], |row| row.get(0))?;
    let most = ledger.shared.settings.devices_per_user.max(1) as i64;
    if count >= most {
        let drop_oldest = "DELETE FROM devices WHERE log = ?1 AND device IN \
                           (SELECT device FROM devices WHERE log = ?1 ORDER BY seen LIMIT ?2)";
        connection.prepare_cached(drop_oldest)?.execute((log, count + 1 - most))?;
    }
    let insert =
        "INSERT OR REPLACE INTO devices (log, device, acknowledged, seen) VALUES (?1, ?2, ?3, ?4)";
    let values = params![log, device, acknowledged, ledger.now];
    connection.prepare_cached(insert)?.execute(values)?;
    Ok(())
}

/// Takes note that a device has everything up to this number; says whether that is news.
pub(super) fn acknowledge(
    ledger: &Ledger<'_>,
    log: i64,
    device: &str,
    number: i64,
) -> Result<bool> {
    let update =
        "UPDATE devices SET acknowledged = ?3 WHERE log = ?1 AND device = ?2 AND acknowledged < ?3";
    Ok(ledger.connection.prepare_cached(update)?.execute((log, device, number))? > 0)
}
