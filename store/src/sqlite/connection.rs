//! A connection to the file, as every thread has its own.

use std::{fs, path::Path, thread, time::Duration};

use rusqlite::{Connection, OpenFlags, Result};

/// How often it is looked whether another process has let go of the file.
const STEP: Duration = Duration::from_micros(500);
/// For so many of them.
const STEPS: i32 = 10_000;
/// Pages that are written before they are taken over into the file, and bytes of the log that are kept for the next.
const PAGES_BETWEEN: i64 = 4_096;
const LOG_KEPT: i64 = 16 << 20;
/// The log should not become longer.
const LOG_MOST: u64 = 96 << 20;
/// More than there are different statements.
const STATEMENTS: usize = 64;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// All changes.
    Writing,
    /// Nothing but questions.
    Reading,
}

/// Opens a file that is there.
pub(super) fn open(file: &Path, purpose: Purpose) -> Result<Connection> {
    let connection = open_untouched(file)?;
    prepare(&connection, purpose)?;
    Ok(connection)
}

/// Opens a file that is there and may be somebody else's.
pub(super) fn open_untouched(file: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_handler(Some(wait))?;
    Ok(connection)
}

/// Sets how a store's file is used.
pub(super) fn prepare(connection: &Connection, purpose: Purpose) -> Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    // With less, the last commits before a power cut would be lost, though they were answered.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    let cached_kib = if purpose == Purpose::Writing { 32 << 10 } else { 4 << 10 };
    connection.pragma_update(None, "cache_size", -cached_kib)?;
    connection.pragma_update(None, "wal_autocheckpoint", PAGES_BETWEEN)?;
    connection.pragma_update(None, "journal_size_limit", LOG_KEPT)?;
    if purpose == Purpose::Reading {
        connection.pragma_update(None, "query_only", true)?;
    }
    Ok(())
}

/// Has the log begin anew if it has become long: readers that follow each other closely keep it from doing so by
/// itself. Waits for those that read now.
pub(super) fn bound_log(connection: &Connection, file: &Path) -> Result<()> {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    if fs::metadata(log).is_ok_and(|log| log.len() > LOG_MOST) {
        connection.pragma_update_and_check(None, "wal_checkpoint", "restart", |_| Ok(()))?;
    }
    Ok(())
}

/// Asked again and again while another process has the file. SQLite's own steps get so long that a process which
/// writes all the time would keep others out.
fn wait(asked: i32) -> bool {
    thread::sleep(STEP);
    asked < STEPS
}
