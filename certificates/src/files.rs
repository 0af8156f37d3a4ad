//! Files, read whole.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use settings::ConfigError;

/// Longest file that is read: a bundle of all public authorities is shorter.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What some editors write in front of a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a file holds; `flag` names it.
///
/// # Errors
/// It cannot be read, or is too long.
pub(crate) fn read(flag: &str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    let open = File::open(file);
    let read = open.and_then(|open| open.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    let read = read.and_then(|_| match bytes.len() as u64 > MAX_FILE_BYTES {
        true => Err(io::Error::other(format!("longer than {MAX_FILE_BYTES} bytes"))),
        false => Ok(()),
    });
    // A byte order mark in front of it is none of it.
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    read.map(|()| bytes).map_err(|error| {
        let problem = format!("cannot read {}: {error}", file.display());
        ConfigError::new(flag, problem, "name a readable file")
    })
}
