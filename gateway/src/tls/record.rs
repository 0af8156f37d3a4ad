//! Records of TLS, as far as they can be read by anybody (RFC 8446 section 5.1).

use super::fault::Fault;

/// Kind, version and length stand in front of a record.
const HEADER_BYTES: usize = 5;
/// The longest fragment of a protected record of TLS 1.2 (RFC 5246 section 6.2.3); one of TLS 1.3 is
/// shorter.
const MAX_FRAGMENT_BYTES: usize = (1 << 14) + 2048;
/// The longest record.
pub(super) const MAX_RECORD_BYTES: usize = HEADER_BYTES + MAX_FRAGMENT_BYTES;
/// The most plaintext in a record.
pub(super) const MAX_PLAIN_BYTES: usize = 1 << 14;
/// What a record takes beside its plaintext: header, nonce of TLS 1.2, kind of TLS 1.3, tag.
pub(super) const MAX_EXTRA_BYTES: usize = HEADER_BYTES + 8 + 1 + 16;
/// The kind of a record that a handshake begins with.
const HANDSHAKE: u8 = 22;

/// The length of the record that `bytes` begin with, if it has come whole.
///
/// # Errors
/// It is longer than any.
pub(super) fn whole(bytes: &[u8]) -> Result<Option<usize>, Fault> {
    let [_, _, _, high, low, ..] = *bytes else { return Ok(None) };
    let fragment = usize::from(high) << 8 | usize::from(low);
    if fragment > MAX_FRAGMENT_BYTES {
        return Err(Fault::TooLarge);
    }
    let length = HEADER_BYTES + fragment;
    Ok((length <= bytes.len()).then_some(length))
}

/// Whether a client that begins with this byte speaks TLS.
pub(super) fn begins_handshake(first: u8) -> bool {
    first == HANDSHAKE
}

/// What is said in plain text to a client with whom no key is agreed on: a record with a fatal alert
/// (section 6), `record_overflow` or `decode_error`.
pub(super) fn alert(fault: &Fault) -> [u8; 7] {
    let description = if matches!(fault, Fault::TooLarge) { 22 } else { 50 };
    [21, 3, 3, 0, 2, 2, description]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_whole_when_its_last_byte_has_come() {
        let record = [22, 3, 1, 0, 2, 7, 7, 23];
        for (length, expected) in [(0, None), (4, None), (5, None), (6, None), (7, Some(7))] {
            assert_eq!(whole(&record[..length]).ok(), Some(expected), "{length}");
        }
        assert_eq!(whole(&record).ok(), Some(Some(7)), "another behind it");
        assert!(whole(&[23, 3, 3, 0x48, 0]).is_ok(), "the longest");
        assert!(matches!(whole(&[23, 3, 3, 0x48, 1]), Err(Fault::TooLarge)));
    }
}
