//! Cursors that clients give back.

use protocol::kept::{CURSOR_LENGTH, Cursor};

/// Cursors, one or a list with commas, as `Last-Event-ID` has them.
pub(crate) fn cursors(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for text in text.split(',') {
        let Ok(cursor) = Cursor::decode(text) else { continue };
        assert_eq!(text.len(), CURSOR_LENGTH);
        assert_eq!(cursor.encode(), text.as_bytes(), "one text for each cursor");
        assert_eq!(cursor.log >> 40, 0, "a fingerprint has 40 bits");
    }
}
