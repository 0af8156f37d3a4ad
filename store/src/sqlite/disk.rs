//! Whether there is room on the disk.

use std::path::Path;

use rusqlite::{Connection, Result};

/// Pages of the file that hold nothing and are written again: with so many of them it needs no more of the disk.
const FREE_PAGES: i64 = 1024;

/// Whether less than a tenth of the disk is left, and nothing in the file either.
pub(super) fn is_nearly_full(directory: &Path, connection: &Connection) -> Result<bool> {
    let Ok(disk) = rustix::fs::statvfs(directory) else { return Ok(false) };
    let is_short = disk.f_bavail.saturating_mul(10) < disk.f_blocks;
    if !is_short {
        return Ok(false);
    }
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    Ok(free < FREE_PAGES)
}
