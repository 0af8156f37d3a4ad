//! Numbers as the file has them. None that was written is below 0, or so large that to count on from there goes over:
//! one that is, is damage, and is said to be.

use rusqlite::{Error, Result, Row};

/// The largest that is believed: as a time in milliseconds, a hundred thousand years hence.
const MOST: i64 = 1 << 52;

/// The number in a column.
pub(super) fn count(row: &Row<'_>, column: usize) -> Result<i64> {
    let number = row.get(column)?;
    believed(column, number)
}

/// The same where there may be none.
pub(super) fn count_if_any(row: &Row<'_>, column: usize) -> Result<Option<i64>> {
    row.get::<_, Option<i64>>(column)?.map(|number| believed(column, number)).transpose()
}

fn believed(column: usize, number: i64) -> Result<i64> {
    match number {
        0..=MOST => Ok(number),
        _ => Err(Error::IntegralValueOutOfRange(column, number)),
    }
}

/// Whether an error says that something stands in the file that was never written there.
pub(super) fn is_damage(error: &Error) -> bool {
    use Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error};
    matches!(
        error,
        FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..)
    )
}
