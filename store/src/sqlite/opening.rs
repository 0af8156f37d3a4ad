//! From a directory to a file that is a store of this build.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use rusqlite::{Connection, TransactionBehavior};
use uuid::Uuid;

use super::{
    connection::{self, Purpose},
    failure::OpenError,
    ledger::Totals,
    runs::Runs,
    schema,
    settings::Settings,
};

/// How every SQLite database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// A file that was opened.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) store: Uuid,
    pub(super) totals: Totals,
}

/// Opens the file, makes it if there is none, and begins a run.
pub(super) fn open(settings: &Settings) -> Result<Opened, OpenError> {
    let path = settings.file();
    make(settings)?;
    check(&path)?;
    let mut connection = connection::open_untouched(&path)?;
    schema::check(&connection, schema::STEPS)?;
    connection::prepare(&connection, Purpose::Writing)?;
    check_length(&connection, &path)?;
    schema::bring_up_to(&mut connection, schema::STEPS)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let first = "INSERT OR IGNORE INTO state (one, store, number, messages, bytes, topics, horizon, clock) \
                 VALUES (1, ?1, 0, 0, 0, 0, 0, 0)";
    transaction.execute(first, [Uuid::new_v4().as_bytes()])?;
    let store = "SELECT store FROM state";
    let store: [u8; 16] = transaction.query_row(store, [], |row| row.get(0))?;
    let totals = Totals::read(&transaction)?;
    Runs::begin(&transaction, totals.number)?;
    transaction.commit()?;
    Ok(Opened { connection, store: Uuid::from_bytes(store), totals })
}

/// Makes directory and file, for nobody else to read.
fn make(settings: &Settings) -> io::Result<()> {
    let directory = &settings.directory;
    let named = |error: io::Error| {
        io::Error::new(error.kind(), format!("{}: {error}", directory.display()))
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(named)?;
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(settings.file()) {
        // The file's name is in the directory, which is on its way to the disk, too.
        Ok(_) => File::open(directory).and_then(|directory| directory.sync_all()).map_err(named),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(named(error)),
    }
}

/// Looks at the beginning of the file, before SQLite does.
fn check(path: &Path) -> Result<(), OpenError> {
    let mut beginning = Vec::new();
    File::open(path)?.take(MAGIC.len() as u64).read_to_end(&mut beginning)?;
    match beginning.is_empty() || beginning == MAGIC {
        true => Ok(()),
        false => Err(OpenError::Foreign("not an SQLite database")),
    }
}

/// A file that is shorter than it says was cut short, if all that it says is in it and not in the log beside it.
fn check_length(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    // First what it says: other processes may make it longer meanwhile.
    let says = (pragma("page_count")? * pragma("page_size")?) as u64;
    let mut is_all_in_it = false;
    connection.pragma_update_and_check(None, "wal_checkpoint", "passive", |row| {
        let (is_busy, logged, taken_over): (bool, i64, i64) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        is_all_in_it = !is_busy && logged >= 0 && logged == taken_over;
        Ok(())
    })?;
    // Not by opening it: to close it again would drop the locks that this process has on it (POSIX).
    let length = fs::metadata(path)?.len();
    if is_all_in_it && length < says {
        let text = format!("it was cut short: {says} bytes are expected, {length} are there");
        return Err(OpenError::Damaged(text));
    }
    Ok(())
}
