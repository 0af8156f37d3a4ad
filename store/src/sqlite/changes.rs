//! Which logs were appended to.

use protocol::{
    Topic, UserId,
    kept::{Log, Place},
};
use rusqlite::{Error, Result, Row, types::Type};

use super::{counts::count, snapshot::Snapshot};
use crate::contract::{Changes, Position};

/// So many logs at a time.
const MOST: usize = 10_000;

/// The logs that were appended to behind a position.
pub(super) fn since(snapshot: &Snapshot<'_>, position: Option<&Position>) -> Result<Changes> {
    let through = write(snapshot.end());
    let mut changes = Changes { heads: Vec::new(), through, more: false };
    let Some(position) = position else { return Ok(changes) };
    let number = read(position).and_then(|place| snapshot.believe(place)).unwrap_or(0);
    let later = "SELECT last, topic, name FROM logs INDEXED BY logs_by_last WHERE last > ?1 AND last > 0 \
                 ORDER BY last LIMIT ?2";
    let mut later = snapshot.connection.prepare_cached(later)?;
    let mut rows = later.query((number, MOST as i64 + 1))?;
    while let Some(row) = rows.next()? {
        if changes.heads.len() == MOST {
            changes.more = true;
            break;
        }
        changes.heads.push((log(row)?, snapshot.place(count(row, 0)?)));
    }
    if let Some((_, last)) = changes.heads.last().filter(|_| changes.more) {
        changes.through = write(*last);
    }
    Ok(changes)
}

/// A position is a place of the file's one counter: its number and its check.
fn write(place: Place) -> Position {
    let bytes = [&place.number.to_be_bytes()[..], &place.check.to_be_bytes()].concat();
    Position(bytes.into())
}

fn read(position: &Position) -> Option<Place> {
    let (number, check) = position.0.split_first_chunk()?;
    let number = u64::from_be_bytes(*number);
    Some(Place { number, check: u32::from_be_bytes(check.try_into().ok()?) })
}

fn log(row: &Row<'_>) -> Result<Log> {
    let name = row.get_ref(2)?.as_str()?;
    let log = match row.get(1)? {
        true => Topic::new(name).map(Log::Topic),
        false => UserId::new(name).map(Log::User),
    };
    log.map_err(|error| Error::FromSqlConversionFailure(2, Type::Text, Box::new(error)))
}
