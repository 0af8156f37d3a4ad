//! Why a store cannot be opened, or not be asked now, in words for whoever runs it.

use std::io;

use rusqlite::{Error, ErrorCode};

use super::counts::is_damage;

/// Why a store cannot be opened. The file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the file cannot be made, read or written.
    #[error("{0}")]
    Files(#[from] io::Error),
    /// It is something else.
    #[error("holdfast.sqlite is no store of this program: {0}")]
    Foreign(&'static str),
    /// It is damaged.
    #[error("holdfast.sqlite is damaged: {0}")]
    Damaged(String),
    /// A newer build has written it.
    #[error(
        "holdfast.sqlite was written by a newer version of this program: its tables are version {found}, known are {known}"
    )]
    Newer {
        /// The version of its tables.
        found: i32,
        /// The newest that this build knows.
        known: usize,
    },
    /// Another program keeps it locked.
    #[error("holdfast.sqlite is locked by another program")]
    Locked,
    /// SQLite says.
    #[error("holdfast.sqlite cannot be opened: {0}")]
    Other(String),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign("not an SQLite database"),
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            _ if is_damage(&error) => Self::Damaged(error.to_string()),
            _ => Self::Other(error.to_string()),
        }
    }
}

/// Why what was asked could not be done.
pub(super) fn describe(error: &Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "the file is locked by another program".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => format!("the disk fails: {error}"),
        Some(ErrorCode::DatabaseCorrupt) => format!("the file is damaged: {error}"),
        _ if is_damage(error) => format!("the file is damaged: {error}"),
        _ => error.to_string(),
    }
}
