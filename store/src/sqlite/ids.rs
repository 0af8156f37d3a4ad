//! Ids of pushes that were taken.

use protocol::MessageId;
use rusqlite::{OptionalExtension as _, Result, params};

use super::{counts::count, ledger::Ledger};
use crate::contract::{ID_REMEMBERED, Origin};

/// An id, as far as it was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken {
    entry: i64,
    content: u64,
    /// How many of the push's logs have it.
    pub(super) progress: usize,
}

impl Taken {
    /// Whether the id was taken for a push of this content.
    pub(super) fn is_of(&self, origin: Origin) -> bool {
        self.content == origin.content
    }
}

/// How far an id was taken, if it was lately.
pub(super) fn find(ledger: &Ledger<'_>, id: MessageId, origin: Origin) -> Result<Option<Taken>> {
    let find = "SELECT entry, content, progress, taken FROM ids WHERE id = ?1 AND scope = ?2";
    let mut find = ledger.connection.prepare_cached(find)?;
    let found = find.query_row((bytes(&id), origin.scope as i64), |row| {
        let content = row.get::<_, i64>(1)? as u64;
        let progress = count(row, 2)? as usize;
        Ok((Taken { entry: row.get(0)?, content, progress }, count(row, 3)?))
    });
    let Some((taken, at)) = found.optional()? else { return Ok(None) };
    if at > forgotten_before(ledger) {
        return Ok(Some(taken));
    }
    ledger.connection.prepare_cached("DELETE FROM ids WHERE entry = ?1")?.execute([taken.entry])?;
    Ok(None)
}

/// Takes note of how many logs have a push now.
pub(super) fn remember(
    ledger: &Ledger<'_>,
    id: MessageId,
    origin: Origin,
    known: Option<Taken>,
    progress: usize,
) -> Result<()> {
    if let Some(known) = known {
        let update = "UPDATE ids SET progress = ?2 WHERE entry = ?1";
        let mut update = ledger.connection.prepare_cached(update)?;
        update.execute((known.entry, progress as i64))?;
        return Ok(());
    }
    let insert =
        "INSERT INTO ids (scope, id, content, progress, taken) VALUES (?1, ?2, ?3, ?4, ?5)";
    let Origin { scope, content } = origin;
    let values = params![scope as i64, bytes(&id), content as i64, progress as i64, ledger.now];
    ledger.connection.prepare_cached(insert)?.execute(values)?;
    Ok(())
}

/// Forgets ids that were taken long ago, the first of them; says whether there are more.
pub(super) fn forget_old(ledger: &mut Ledger<'_>, most: i64) -> Result<bool> {
    // In the order in which they were taken; the first that is young ends the search.
    let old = "SELECT entry FROM (SELECT entry, taken FROM ids ORDER BY entry LIMIT ?2) WHERE taken <= ?1 \
               ORDER BY entry DESC LIMIT 1";
    let mut old = ledger.connection.prepare_cached(old)?;
    let last = old.query_row((forgotten_before(ledger), most), |row| row.get::<_, i64>(0));
    let Some(last) = last.optional()? else { return Ok(false) };
    let forget = "DELETE FROM ids WHERE entry <= ?1";
    let forgotten = ledger.connection.prepare_cached(forget)?.execute([last])?;
    ledger.spend(forgotten);
    Ok(forgotten as i64 == most)
}

fn forgotten_before(ledger: &Ledger<'_>) -> i64 {
    ledger.now - ID_REMEMBERED.as_millis() as i64
}

fn bytes(id: &MessageId) -> &[u8] {
    id.0.as_bytes()
}
