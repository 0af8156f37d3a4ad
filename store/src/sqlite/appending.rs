//! Keeping a push in its logs.

use protocol::kept::{Gap, Log, Step};
use rusqlite::{OptionalExtension as _, Result, params};

use super::{
    counts::count,
    ids,
    ledger::Ledger,
    log_row::LogRow,
    removing::{Until, expire, remove},
    settings::Settings,
    sweeping,
    work::Task,
};
use crate::contract::{AppendError, Appended, KeptPayload, KeptPush};

/// In so many logs at a time what is over makes room.
const SLICE: usize = 100;

/// A push on its way into its logs.
pub(super) struct Appending {
    push: KeptPush,
    /// The logs by their names: a repetition may say them in another order, and must go on where this ends.
    order: Vec<u32>,
    /// So many of them have it.
    progress: usize,
    steps: Vec<Option<Step>>,
}

impl Appending {
    pub(super) fn new(push: KeptPush) -> Self {
        let mut order: Vec<_> = (0..push.logs.len() as u32).collect();
        if push.origin.is_some() {
            order.sort_unstable_by_key(|log| &push.logs[*log as usize]);
        }
        let steps = vec![None; push.logs.len()];
        Self { push, order, progress: 0, steps }
    }

    /// Puts it into as many logs as this transaction should; says by which limit it had to end.
    fn go_on(&mut self, ledger: &mut Ledger<'_>) -> Result<Option<&'static str>> {
        while self.progress < self.order.len() && ledger.budget > 0 {
            let log = self.order[self.progress] as usize;
            match append(ledger, &self.push.logs[log], &self.push)? {
                Ok(step) => self.steps[log] = Some(step),
                Err(limit) => return Ok(Some(limit)),
            }
            self.progress += 1;
        }
        Ok(None)
    }
}

impl Task for Appending {
    type Answer = std::result::Result<Appended, AppendError>;

    fn advance(&mut self, ledger: &mut Ledger<'_>) -> Result<Option<Self::Answer>> {
        let id = self.push.id;
        let mut known = None;
        if let Some(origin) = self.push.origin {
            // Another process may have gone on with the same push since.
            known = ids::find(ledger, id, origin)?;
            if known.is_some_and(|known| !known.is_of(origin)) {
                return Ok(Some(Err(AppendError::OtherContent)));
            }
            let progress = known.map_or(0, |known| known.progress);
            self.progress = self.progress.max(progress).min(self.order.len());
        }
        let before = self.progress;
        let full = self.go_on(ledger)?;
        if let Some(origin) = self.push.origin
            && self.progress > before
        {
            ids::remember(ledger, id, origin, known, self.progress)?;
        }
        if let Some(limit) = full {
            return Ok(Some(Err(AppendError::Full(limit))));
        }
        let is_done = self.progress == self.order.len();
        Ok(is_done.then(|| Ok(Appended { steps: std::mem::take(&mut self.steps) })))
    }

    fn needs_the_time(&self) -> bool {
        true
    }
}

/// Puts a push into a log.
fn append(
    ledger: &mut Ledger<'_>,
    log: &Log,
    push: &KeptPush,
) -> Result<std::result::Result<Step, &'static str>> {
    let (KeptPayload::Json(text) | KeptPayload::Base64(text)) = &push.payload;
    let size = text.len() as i64;
    let mut row = match make_room(ledger, log, size)? {
        Ok(Some(row)) => row,
        Ok(None) => ledger.log(log)?,
        Err(limit) => return Ok(Err(limit)),
    };
    if let Some(key) = push.collapse_key.as_deref() {
        replace(ledger, &mut row, key)?;
    }
    let before = ledger.runs.place(row.last);
    row.last = ledger.number();
    let expires = ledger.now.saturating_add(push.ttl.as_millis() as i64);
    insert(ledger, &row, push, expires)?;
    row.next_expiry = row.next_expiry.min(expires);
    ledger.grow(&mut row, 1, size);
    ledger.tally.appended += 1;
    ledger.spend(1);
    let place = ledger.runs.place(row.last);
    trim(ledger, &mut row)?;
    ledger.store(&row)?;
    Ok(Ok(Step { before, place }))
}

/// The log, if there is one, where it has room for a message of this size, or gets some by deleting what is over;
/// otherwise the limit that stands against it.
fn make_room(
    ledger: &mut Ledger<'_>,
    log: &Log,
    size: i64,
) -> Result<std::result::Result<Option<LogRow>, &'static str>> {
    let found = LogRow::find(ledger.connection, log)?;
    if limit_hit(ledger, log, found.as_ref(), size).is_none() {
        return Ok(Ok(found));
    }
    while ledger.budget > 0 && sweeping::expire(ledger, SLICE)? {}
    let found = LogRow::find(ledger.connection, log)?;
    Ok(match limit_hit(ledger, log, found.as_ref(), size) {
        Some(limit) => Err(limit),
        None => Ok(found),
    })
}

/// Writes a push down as the last message of its log.
fn insert(ledger: &Ledger<'_>, row: &LogRow, push: &KeptPush, expires: i64) -> Result<()> {
    let (base64, payload) = match &push.payload {
        KeptPayload::Json(text) => (0, text),
        KeptPayload::Base64(text) => (1, text),
    };
    let insert = "INSERT INTO messages (number, log, size, expires, accepted, base64, id, collapse_key, payload) \
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let values = params![
        row.last,
        row.id,
        payload.len() as i64,
        expires,
        ledger.now,
        base64,
        push.id.0.as_bytes(),
        push.collapse_key.as_deref(),
        &payload[..]
    ];
    ledger.connection.prepare_cached(insert)?.execute(values)?;
    Ok(())
}

/// The limit that stands against a message of this size in a log.
fn limit_hit(
    ledger: &Ledger<'_>,
    log: &Log,
    row: Option<&LogRow>,
    size: i64,
) -> Option<&'static str> {
    let is_first_of_topic = matches!(log, Log::Topic(_)) && row.is_none_or(|row| row.messages == 0);
    let Settings { kept_bytes, topics_kept, .. } = &ledger.shared.settings;
    let is_full = match kept_bytes {
        Some(most) => (ledger.totals.bytes + size).max(0) as u64 > *most,
        None => ledger.is_short,
    };
    let are_too_many = is_first_of_topic && ledger.totals.topics.max(0) as u64 >= *topics_kept;
    match () {
        () if is_full => Some("kept_bytes"),
        () if are_too_many => Some("topics_kept"),
        () => None,
    }
}

/// Deletes what is kept under this key. It leaves no floor: the message that comes says what it said.
fn replace(ledger: &mut Ledger<'_>, row: &mut LogRow, key: &str) -> Result<()> {
    let earlier = "SELECT number, size FROM messages WHERE log = ?1 AND collapse_key = ?2";
    let mut earlier = ledger.connection.prepare_cached(earlier)?;
    let earlier = earlier.query_row((row.id, key), |row| Ok((count(row, 0)?, count(row, 1)?)));
    let Some((number, size)) = earlier.optional()? else { return Ok(()) };
    let delete = "DELETE FROM messages WHERE log = ?1 AND number = ?2";
    ledger.connection.prepare_cached(delete)?.execute((row.id, number))?;
    ledger.grow(row, -1, -size);
    ledger.tally.replaced += 1;
    Ok(())
}

/// Deletes the oldest messages beyond what a log may hold.
fn trim(ledger: &mut Ledger<'_>, row: &mut LogRow) -> Result<()> {
    let settings = &ledger.shared.settings;
    let (messages, bytes) = if row.is_topic {
        (settings.kept_per_topic, settings.kept_bytes_per_topic)
    } else {
        (settings.kept_per_user, settings.kept_bytes_per_user)
    };
    let signed = |most| i64::try_from(most).unwrap_or(i64::MAX);
    let (messages, bytes) = (signed(messages), signed(bytes));
    if row.messages > messages || row.bytes > bytes {
        expire(ledger, row)?;
        remove(ledger, row, Until::Left { messages, bytes }, Gap::Trimmed)?;
    }
    Ok(())
}
