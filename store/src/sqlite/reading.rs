//! What readers are asked when a session begins.

use protocol::{
    Device, UserId,
    kept::{Gap, Gaps, Log, Place},
};
use rusqlite::Result;

use super::{
    devices::{self, Known},
    log_row::LogRow,
    pages,
    snapshot::Snapshot,
};
use crate::contract::{From, Page, Room};

/// After so much of the time that devices are kept it is noted again that one was seen.
const SEEN_SHARE: i64 = 100;

/// A session that begins.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) user: UserId,
    pub(super) device: Option<Device>,
    pub(super) after: Option<Place>,
    pub(super) room: Room,
}

/// What a session that begins is told, or that it has to be noted first.
#[derive(Debug)]
pub(super) enum Begun {
    /// What it reads.
    Page(Page),
    /// Something of it is news.
    IsNews,
}

/// Begins a session if that changes nothing that is stored.
pub(super) fn begin(snapshot: &Snapshot<'_>, session: &Session) -> Result<Begun> {
    let log = Log::User(session.user.clone());
    let Some(row) = LogRow::find(snapshot.connection, &log)? else { return Ok(Begun::IsNews) };
    let device = devices::name(session.device.as_ref());
    let Some(known) = devices::find(snapshot.connection, row.id, device)? else {
        return Ok(Begun::IsNews);
    };
    let after = session.after.map(|place| (place, snapshot.believe(place)));
    let kept_ms = i64::try_from(snapshot.settings.device_kept.as_millis()).unwrap_or(i64::MAX);
    let is_long_ago = snapshot.now.saturating_sub(known.seen) > kept_ms / SEEN_SHARE;
    let acknowledges = after.is_some_and(|(_, number)| number > Some(known.acknowledged));
    if is_long_ago || acknowledges {
        return Ok(Begun::IsNews);
    }
    read(snapshot, Some(&row), session, Some(known)).map(Begun::Page)
}

/// What a session reads that was noted, of a device that was the user's before or not.
pub(super) fn begun(snapshot: &Snapshot<'_>, session: &Session, is_new: bool) -> Result<Page> {
    let row = LogRow::find(snapshot.connection, &Log::User(session.user.clone()))?;
    let device = devices::name(session.device.as_ref());
    let known = match &row {
        Some(row) if !is_new => devices::find(snapshot.connection, row.id, device)?,
        _ => None,
    };
    read(snapshot, row.as_ref(), session, known)
}

fn read(
    snapshot: &Snapshot<'_>,
    row: Option<&LogRow>,
    session: &Session,
    known: Option<Known>,
) -> Result<Page> {
    let Session { after, room, .. } = session;
    let is_believed = |place: &Place| pages::believed(snapshot, row, *place).is_some();
    if let Some(place) = after.filter(is_believed) {
        return pages::read(snapshot, row, From::After(place), *room);
    }
    let mut page = match known {
        Some(known) => pages::read_behind(snapshot, row, known.acknowledged, *room)?,
        None => pages::read(snapshot, row, From::Start, *room)?,
    };
    if after.is_some() {
        page.gaps = Gaps::NONE.with(Gap::UnknownCursor);
    }
    Ok(page)
}
