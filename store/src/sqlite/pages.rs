//! Reading a part of a log.

use protocol::{
    MessageId,
    kept::{Gap, Gaps, Log, Place},
};
use rusqlite::{Result, Row};
use uuid::Uuid;

use super::{
    counts::{count, count_if_any},
    log_row::LogRow,
    snapshot::Snapshot,
};
use crate::contract::{From, KeptMessage, KeptPayload, Page, Room, Standing};

/// From where a part is read, and what is missing behind the place that was asked for.
struct Beginning {
    number: i64,
    gaps: Gaps,
    /// Whether it matters that the time of messages is over.
    is_asked_for: bool,
}

/// Reads a log from some place on.
pub(super) fn read_log(snapshot: &Snapshot<'_>, log: &Log, from: From, room: Room) -> Result<Page> {
    read(snapshot, LogRow::find(snapshot.connection, log)?.as_ref(), from, room)
}

/// Reads the log of this row, or of none, from some place on.
pub(super) fn read(
    snapshot: &Snapshot<'_>,
    row: Option<&LogRow>,
    from: From,
    room: Room,
) -> Result<Page> {
    let beginning = match from {
        From::Now => return Ok(nothing(snapshot.end(), Gaps::NONE, snapshot.end())),
        From::Start => at_start(snapshot, row)?,
        From::After(place) => match believed(snapshot, row, place) {
            Some(number) => behind(row, number),
            None => {
                let gaps = Gaps::NONE.with(Gap::UnknownCursor);
                Beginning { gaps, ..at_start(snapshot, row)? }
            }
        },
    };
    page(snapshot, row, beginning, room)
}

/// Reads a log behind what a device has acknowledged.
pub(super) fn read_behind(
    snapshot: &Snapshot<'_>,
    row: Option<&LogRow>,
    acknowledged: i64,
    room: Room,
) -> Result<Page> {
    page(snapshot, row, behind(row, acknowledged), room)
}

/// What is kept in a log.
pub(super) fn standing(snapshot: &Snapshot<'_>, log: &Log) -> Result<Standing> {
    let Some(row) = LogRow::find(snapshot.connection, log)? else {
        return Ok(Standing { messages: 0, bytes: 0, oldest_ms: None, end: snapshot.end() });
    };
    let kept = "SELECT count(*), coalesce(sum(size), 0), min(accepted) FROM messages WHERE log = ?1 AND expires > ?2";
    snapshot.connection.prepare_cached(kept)?.query_row((row.id, snapshot.now), |kept| {
        let (messages, bytes, oldest) = (count(kept, 0)?, count(kept, 1)?, count_if_any(kept, 2)?);
        let end = snapshot.place(row.last);
        let oldest_ms = oldest.map(|oldest| oldest as u64);
        Ok(Standing { messages: messages as u64, bytes: bytes as u64, oldest_ms, end })
    })
}

/// The number of a place in a log, if it is believed: it is of this file, and the log was not forgotten since.
pub(super) fn believed(snapshot: &Snapshot<'_>, row: Option<&LogRow>, place: Place) -> Option<i64> {
    let number = snapshot.believe(place)?;
    let is_known_since = row.is_some_and(|row| row.born <= number);
    (number >= snapshot.totals.horizon || is_known_since).then_some(number)
}

fn behind(row: Option<&LogRow>, number: i64) -> Beginning {
    let gaps = row.map_or(Gaps::NONE, |row| row.gaps_behind(number));
    Beginning { number, gaps, is_asked_for: true }
}

fn at_start(snapshot: &Snapshot<'_>, row: Option<&LogRow>) -> Result<Beginning> {
    let at = |number| Beginning { number, gaps: Gaps::NONE, is_asked_for: false };
    let Some(row) = row.filter(|row| row.messages > 0) else {
        return Ok(at(snapshot.totals.number));
    };
    let first = "SELECT number FROM messages WHERE log = ?1 AND expires > ?2 \
                 ORDER BY number LIMIT 1";
    let mut first = snapshot.connection.prepare_cached(first)?;
    let mut first = first.query((row.id, snapshot.now))?;
    let first = first.next()?.map(|row| count(row, 0)).transpose()?;
    Ok(at(first.map_or(snapshot.totals.number, |number| number - 1)))
}

/// A part of a log in which nothing is.
fn nothing(from: Place, gaps: Gaps, through: Place) -> Page {
    Page { from, gaps, messages: Vec::new(), through, rest: 0 }
}

fn page(
    snapshot: &Snapshot<'_>,
    row: Option<&LogRow>,
    beginning: Beginning,
    room: Room,
) -> Result<Page> {
    let Beginning { number, gaps, is_asked_for } = beginning;
    let mut page = nothing(snapshot.place(number), gaps, snapshot.end());
    let Some(row) = row.filter(|row| row.messages > 0 && row.last > number) else {
        return Ok(page);
    };
    let (last, is_all) = messages(snapshot, row, number, room, &mut page.messages)?;
    if is_all && row.next_expiry > snapshot.now {
        return Ok(page);
    }
    let behind = "SELECT coalesce(sum(number > ?3 AND expires > ?4), 0), coalesce(sum(expires <= ?4), 0) \
                  FROM messages WHERE log = ?1 AND number > ?2";
    let mut behind = snapshot.connection.prepare_cached(behind)?;
    let counted = behind.query_row((row.id, number, last, snapshot.now), |row| {
        Ok((count(row, 0)?, count(row, 1)?))
    });
    let (rest, expired) = counted?;
    page.rest = rest as u64;
    if rest > 0 {
        page.through = snapshot.place(last);
    }
    if expired > 0 && is_asked_for {
        page.gaps = page.gaps.with(Gap::Expired);
    }
    Ok(page)
}

/// Reads messages as long as there is room for them; says up to which number, and whether that is all.
fn messages(
    snapshot: &Snapshot<'_>,
    row: &LogRow,
    after: i64,
    room: Room,
    into: &mut Vec<KeptMessage>,
) -> Result<(i64, bool)> {
    let next = "SELECT number, size, id, base64, payload FROM messages WHERE log = ?1 AND number > ?2 AND expires > ?3 ORDER BY number";
    let mut next = snapshot.connection.prepare_cached(next)?;
    let mut rows = next.query((row.id, after, snapshot.now))?;
    let mut bytes = 0;
    let mut last = after;
    while let Some(message) = rows.next()? {
        let size = count(message, 1)? as usize;
        let is_full = into.len() >= room.messages || bytes + size > room.bytes;
        if is_full && !into.is_empty() {
            return Ok((last, false));
        }
        bytes += size;
        last = count(message, 0)?;
        into.push(self::message(snapshot, message, last)?);
    }
    Ok((last, true))
}

fn message(snapshot: &Snapshot<'_>, row: &Row<'_>, number: i64) -> Result<KeptMessage> {
    let id = Uuid::from_bytes(row.get::<_, [u8; 16]>(2)?);
    let text = row.get::<_, Vec<u8>>(4)?.into();
    let payload = match row.get(3)? {
        true => KeptPayload::Base64(text),
        false => KeptPayload::Json(text),
    };
    Ok(KeptMessage { place: snapshot.place(number), id: MessageId(id), payload })
}
