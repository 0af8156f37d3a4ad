//! Deleting messages, and the floors that this leaves.

use protocol::kept::Gap;
use rusqlite::Result;

use super::{counts::count, ledger::Ledger, log_row::LogRow};

/// How far a log's oldest messages are deleted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// This number, and all before it.
    Number(i64),
    /// So few messages and bytes are left.
    Left {
        /// Most messages.
        messages: i64,
        /// Most bytes; one message stays, whatever its size.
        bytes: i64,
    },
}

/// How many were deleted.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Removed {
    pub(super) messages: usize,
    /// Of them, whose time was not yet over.
    pub(super) live: u64,
    /// Whether there are more that should be.
    pub(super) more: bool,
}

/// A message that is to be deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Doomed {
    pub(super) number: i64,
    pub(super) size: i64,
}

/// At least so many are deleted at a time, however little budget a transaction has left.
const LEAST: usize = 64;

/// Deletes these messages of a log, in order. The row is for the caller to write back.
pub(super) fn delete(
    ledger: &mut Ledger<'_>,
    row: &mut LogRow,
    messages: &[Doomed],
    reason: Gap,
) -> Result<()> {
    let Some(last) = messages.iter().map(|message| message.number).max() else { return Ok(()) };
    let delete = "DELETE FROM messages WHERE log = ?1 AND number = ?2";
    let mut delete = ledger.connection.prepare_cached(delete)?;
    for message in messages {
        delete.execute((row.id, message.number))?;
        ledger.grow(row, -1, -message.size);
    }
    row.raise_floor(reason, last);
    ledger.tally.removed[reason as usize] += messages.len() as u64;
    ledger.spend(messages.len());
    Ok(())
}

/// Deletes a log's oldest messages, about as many as the transaction's budget allows. The row is for the caller to
/// write back.
pub(super) fn remove(
    ledger: &mut Ledger<'_>,
    row: &mut LogRow,
    until: Until,
    reason: Gap,
) -> Result<Removed> {
    let mut removed = Removed::default();
    let mut doomed = Vec::new();
    let mut bytes = 0;
    let through = if let Until::Number(number) = until { number } else { i64::MAX };
    let most = ledger.budget.max(LEAST);
    let oldest = "SELECT number, size, expires FROM messages WHERE log = ?1 AND number <= ?2 \
                  ORDER BY number LIMIT ?3";
    let mut oldest = ledger.connection.prepare_cached(oldest)?;
    let mut rows = oldest.query((row.id, through, most as i64 + 1))?;
    while let Some(message) = rows.next()? {
        if until.is_reached(row.messages - doomed.len() as i64, row.bytes - bytes) {
            break;
        }
        if doomed.len() == most {
            removed.more = true;
            break;
        }
        let message_bytes = count(message, 1)?;
        bytes += message_bytes;
        removed.live += u64::from(count(message, 2)? > ledger.now);
        doomed.push(Doomed { number: count(message, 0)?, size: message_bytes });
    }
    removed.messages = doomed.len();
    delete(ledger, row, &doomed, reason)?;
    Ok(removed)
}

/// Deletes those of a log's messages whose time is over, about as many as the transaction's budget allows. The row is
/// for the caller to write back.
pub(super) fn expire(ledger: &mut Ledger<'_>, row: &mut LogRow) -> Result<()> {
    if row.next_expiry > ledger.now {
        return Ok(());
    }
    let most = ledger.budget.max(LEAST);
    let all = "SELECT number, size, expires FROM messages WHERE log = ?1";
    let mut all = ledger.connection.prepare_cached(all)?;
    let mut rows = all.query([row.id])?;
    let mut doomed = Vec::new();
    row.next_expiry = i64::MAX;
    while let Some(message) = rows.next()? {
        let expires = count(message, 2)?;
        let is_over = expires <= ledger.now;
        if !is_over || doomed.len() == most {
            row.next_expiry = row.next_expiry.min(expires);
        } else {
            doomed.push(Doomed { number: count(message, 0)?, size: count(message, 1)? });
        }
    }
    delete(ledger, row, &doomed, Gap::Expired)
}

impl Until {
    /// Whether a log that holds so much may keep it.
    fn is_reached(self, messages: i64, bytes: i64) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Left { messages: most, bytes: most_bytes } => {
                messages <= 1 || (messages <= most && bytes <= most_bytes)
            }
        }
    }
}
