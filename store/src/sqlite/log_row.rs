//! What is known of a log as a whole.

use protocol::kept::{Gap, Gaps, Log};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use super::counts::{count, count_if_any};

/// A log's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogRow {
    pub(super) id: i64,
    pub(super) is_topic: bool,
    /// The last number that was given before it was known.
    pub(super) born: i64,
    /// That of its last message.
    pub(super) last: i64,
    pub(super) messages: i64,
    pub(super) bytes: i64,
    /// The highest number that was deleted for each reason, by its bit.
    pub(super) floors: [i64; 4],
    /// No message's time is over before: milliseconds since the Unix epoch.
    pub(super) next_expiry: i64,
    /// As they are in the file.
    pub(super) stored: Stored,
}

/// What a log's row was when it was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) last: i64,
    pub(super) next_expiry: i64,
    pub(super) messages: i64,
}

/// The reasons that leave a floor.
pub(super) const FLOORS: [Gap; 4] = [Gap::Expired, Gap::Trimmed, Gap::Deleted, Gap::Acknowledged];

macro_rules! columns {
    ($condition:literal) => {
        concat!(
            "SELECT log, topic, born, last, messages, bytes, expired, trimmed, deleted, acknowledged, next_expiry \
             FROM logs WHERE ",
            $condition
        )
    };
}

impl LogRow {
    /// The row of a log, if there is one.
    pub(super) fn find(connection: &Connection, log: &Log) -> Result<Option<Self>> {
        let mut by_name = connection.prepare_cached(columns!("name = ?1 AND topic = ?2"))?;
        by_name.query_row((log.name(), is_topic(log)), Self::from_row).optional()
    }

    /// The row of this id.
    pub(super) fn get(connection: &Connection, id: i64) -> Result<Option<Self>> {
        connection.prepare_cached(columns!("log = ?1"))?.query_row([id], Self::from_row).optional()
    }

    fn from_row(row: &Row<'_>) -> Result<Self> {
        let (last, messages) = (count(row, 3)?, count(row, 4)?);
        let next_expiry = count_if_any(row, 10)?.unwrap_or(i64::MAX);
        Ok(Self {
            id: row.get(0)?,
            is_topic: row.get(1)?,
            born: count(row, 2)?,
            last,
            messages,
            bytes: count(row, 5)?,
            floors: [count(row, 6)?, count(row, 7)?, count(row, 8)?, count(row, 9)?],
            next_expiry,
            stored: Stored { last, next_expiry, messages },
        })
    }

    /// Makes a row for a log that has none.
    pub(super) fn insert(connection: &Connection, log: &Log, born: i64, now: i64) -> Result<Self> {
        let insert = "INSERT INTO logs (name, topic, born, last, messages, bytes, expired, trimmed, deleted, \
                      acknowledged, touched) VALUES (?1, ?2, ?3, 0, 0, 0, 0, 0, 0, 0, ?4)";
        let is_topic = is_topic(log);
        let id =
            connection.prepare_cached(insert)?.insert(params![log.name(), is_topic, born, now])?;
        let next_expiry = i64::MAX;
        let stored = Stored { last: 0, next_expiry, messages: 0 };
        Ok(Self {
            id,
            is_topic,
            born,
            last: 0,
            messages: 0,
            bytes: 0,
            floors: [0; 4],
            next_expiry,
            stored,
        })
    }

    /// Writes it back.
    pub(super) fn store(&self, connection: &Connection, now: i64) -> Result<()> {
        let [expired, trimmed, deleted, acknowledged] = self.floors;
        let Self { id, messages, bytes, last, next_expiry, .. } = *self;
        // What has an index is written only where it is another.
        if last == self.stored.last && messages == self.stored.messages {
            // Only the next expiry was looked up: that does not touch the log.
        } else if last == self.stored.last {
            let update = "UPDATE logs SET messages = ?2, bytes = ?3, expired = ?4, trimmed = ?5, deleted = ?6, \
                          acknowledged = ?7, touched = ?8 WHERE log = ?1";
            let values = params![id, messages, bytes, expired, trimmed, deleted, acknowledged, now];
            connection.prepare_cached(update)?.execute(values)?;
        } else {
            let update = "UPDATE logs SET messages = ?2, bytes = ?3, expired = ?4, trimmed = ?5, last = ?6, \
                          touched = ?7 WHERE log = ?1";
            let values = params![id, messages, bytes, expired, trimmed, last, now];
            connection.prepare_cached(update)?.execute(values)?;
        }
        if next_expiry != self.stored.next_expiry {
            let next = (next_expiry != i64::MAX).then_some(next_expiry);
            let update = "UPDATE logs SET next_expiry = ?2 WHERE log = ?1";
            connection.prepare_cached(update)?.execute((id, next))?;
        }
        Ok(())
    }

    /// Why messages behind this number are missing.
    pub(super) fn gaps_behind(&self, number: i64) -> Gaps {
        let floors = FLOORS.into_iter().zip(self.floors);
        let behind = floors.filter(|(_, floor)| *floor > number);
        behind.fold(Gaps::NONE, |gaps, (reason, _)| gaps.with(reason))
    }

    /// Takes note that this number was deleted.
    pub(super) fn raise_floor(&mut self, reason: Gap, number: i64) {
        let floor = &mut self.floors[reason as usize];
        *floor = number.max(*floor);
    }
}

fn is_topic(log: &Log) -> bool {
    matches!(log, Log::Topic(_))
}
