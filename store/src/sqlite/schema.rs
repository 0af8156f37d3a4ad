//! The tables, and how a file of an older build becomes one of this.

use rusqlite::{Connection, TransactionBehavior};

use super::failure::OpenError;

/// Says in the file's header whose it is: "HFst".
const APPLICATION: i32 = 0x4846_7374;

/// What makes a file of version n one of version n + 1, beginning with one in which there is nothing.
pub(super) const STEPS: &[&str] = &[FIRST];

// A message's number is its row: one counter for the file, kept in `state`, so that no number is given twice, and
// what comes is written to a few pages one after the other. Expiry is looked up by log: an index of all messages
// would cost as much again.
const FIRST: &str = "
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    store BLOB NOT NULL,                -- which store this is
    number INTEGER NOT NULL,            -- the last that was given
    messages INTEGER NOT NULL,          -- kept, in all logs
    bytes INTEGER NOT NULL,             -- of their payloads
    topics INTEGER NOT NULL,            -- of which something is kept
    horizon INTEGER NOT NULL,           -- the highest number of logs that are forgotten
    clock INTEGER NOT NULL              -- the latest time seen, ms since the epoch
) STRICT;
CREATE TABLE runs (
    first INTEGER PRIMARY KEY,          -- from this number on
    tag INTEGER NOT NULL                -- places have this check
) STRICT;
CREATE TABLE logs (
    log INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    topic INTEGER NOT NULL,             -- 1 for a topic, 0 for a user
    born INTEGER NOT NULL,              -- the last number that was given before it was known
    last INTEGER NOT NULL,              -- of its messages; 0 without any
    messages INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    expired INTEGER NOT NULL,           -- floors: the highest number deleted for each reason
    trimmed INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    next_expiry INTEGER,                -- no message's time is over before; ms since the epoch
    touched INTEGER NOT NULL            -- ms since the epoch
) STRICT;
CREATE UNIQUE INDEX logs_by_name ON logs (name, topic);
CREATE INDEX logs_by_last ON logs (last) WHERE last > 0;
CREATE INDEX logs_by_expiry ON logs (next_expiry) WHERE next_expiry IS NOT NULL;
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    log INTEGER NOT NULL,
    size INTEGER NOT NULL,              -- of the payload
    expires INTEGER NOT NULL,           -- ms since the epoch
    accepted INTEGER NOT NULL,
    base64 INTEGER NOT NULL,            -- 1 for base64 of a binary payload, 0 for JSON
    id BLOB NOT NULL,
    collapse_key TEXT,
    payload BLOB NOT NULL
) STRICT;
CREATE INDEX messages_by_log ON messages (log);
CREATE INDEX messages_by_key ON messages (log, collapse_key) WHERE collapse_key IS NOT NULL;
CREATE TABLE devices (
    log INTEGER NOT NULL,
    device TEXT NOT NULL,               -- empty for all without one
    acknowledged INTEGER NOT NULL,
    seen INTEGER NOT NULL,              -- ms since the epoch, to a hundredth of how long devices are kept
    PRIMARY KEY (log, device)
) STRICT, WITHOUT ROWID;
CREATE TABLE ids (
    entry INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL,
    id BLOB NOT NULL,
    content INTEGER NOT NULL,
    progress INTEGER NOT NULL,          -- how many logs have it
    taken INTEGER NOT NULL              -- ms since the epoch
) STRICT;
CREATE UNIQUE INDEX ids_by_id ON ids (id, scope);
";

/// Says which steps a file has not seen, or why it is none of ours.
pub(super) fn check<'s>(
    connection: &Connection,
    steps: &'s [&'s str],
) -> Result<&'s [&'s str], OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(tables, [], |row| row.get(0))?;
    let is_ours = application == APPLICATION || (application == 0 && version == 0 && tables == 0);
    let Some(seen) = usize::try_from(version).ok().filter(|_| is_ours) else {
        return Err(OpenError::Foreign("another program's database"));
    };
    steps.get(seen..).ok_or(OpenError::Newer { found: version, known: steps.len() })
}

/// Makes the file one of this build, or says why it is none of ours.
pub(super) fn bring_up_to(connection: &mut Connection, steps: &[&str]) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let missing = check(&transaction, steps)?;
    if !missing.is_empty() {
        missing.iter().try_for_each(|step| transaction.execute_batch(step))?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", steps.len() as i64)?;
    }
    Ok(transaction.commit()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_file_is_taken_through_every_step_it_has_not_seen() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x)";
        let later = [first, "ALTER TABLE a ADD y", "INSERT INTO a (x, y) VALUES (1, 2)"];
        bring_up_to(&mut connection, &[first]).unwrap();
        bring_up_to(&mut connection, &later).unwrap();
        bring_up_to(&mut connection, &later).unwrap();
        let rows = "SELECT count(*), sum(y) FROM a";
        let rows = connection.query_row(rows, [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(rows, Ok((1, 2)));
        let newer = bring_up_to(&mut connection, &[first]);
        assert!(matches!(newer, Err(OpenError::Newer { found: 3, known: 1 })), "{newer:?}");
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(bring_up_to(&mut connection, &["CREATE TABLE a (x)", "nonsense"]).is_err());
        let tables = "SELECT count(*) FROM sqlite_schema";
        assert_eq!(connection.query_row(tables, [], |row| row.get(0)), Ok(0));
    }

    #[test]
    fn another_programs_database_is_not_touched() {
        let mut connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert!(matches!(bring_up_to(&mut connection, STEPS), Err(OpenError::Foreign(_))));
    }
}
