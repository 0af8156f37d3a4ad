//! The header of a frame from a client (RFC 6455 section 5.2), and the frames that go to it.

use protocol::{
    CloseReason,
    websocket::{FIN, MASKED, Opcode, RESERVED_BITS, header, is_wrong_control, parse_length},
};

/// The header of a frame from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Whether this is the last fragment.
    pub fin: bool,
    /// What it is.
    pub opcode: Opcode,
    /// The key its payload is masked with.
    pub mask: [u8; 4],
    /// Bytes of payload.
    pub length: usize,
    /// Bytes of the header itself.
    pub size: usize,
}

/// Reads the header at the start of `bytes`, or `None` while it is incomplete.
///
/// # Errors
/// The frame breaks the protocol (reserved bits, unknown opcode, no mask, a long or fragmented
/// control frame, a length not in its shortest form) or is longer than `limit` bytes.
pub(crate) fn parse_header(bytes: &[u8], limit: usize) -> Result<Option<Header>, CloseReason> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    let opcode = Opcode::of(first).ok_or(CloseReason::ProtocolError)?;
    let control_is_wrong = opcode.is_control() && is_wrong_control(first, second);
    // Clients must mask (section 5.1); no extension gives the reserved bits a meaning.
    if first & RESERVED_BITS != 0 || second & MASKED == 0 || control_is_wrong {
        return Err(CloseReason::ProtocolError);
    }
    let Some(length) = parse_length(second, rest) else { return Ok(None) };
    if length.malformed {
        return Err(CloseReason::ProtocolError);
    }
    if length.payload > limit as u64 {
        return Err(CloseReason::FrameTooLarge);
    }
    let Some(mask) = rest[length.size..].first_chunk::<4>() else { return Ok(None) };
    let size = 2 + length.size + mask.len();
    let (fin, length) = (first & FIN != 0, length.payload as usize);
    Ok(Some(Header { fin, opcode, mask: *mask, length, size }))
}

/// Appends a whole frame.
pub(crate) fn frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    header(opcode, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends a close frame (section 5.5.1).
pub(crate) fn close_frame(code: u16, reason: &str, out: &mut Vec<u8>) {
    header(Opcode::Close, 2 + reason.len(), out);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_or_refused() {
        use CloseReason::{FrameTooLarge, ProtocolError};
        let text = |length, size| {
            Ok(Some(Header { fin: true, opcode: Opcode::Text, mask: [1, 2, 3, 4], length, size }))
        };
        let cases: [(&[u8], _); 16] = [
            (&[], Ok(None)),
            (&[0x81], Ok(None)),
            (&[0x81, 0x80, 1, 2, 3], Ok(None)),
            (&[0x81, 0x80, 1, 2, 3, 4], text(0, 6)),
            (&[0x81, 0xfd, 1, 2, 3, 4], text(125, 6)),
            (&[0x81, 0xfe, 0, 126, 1, 2, 3, 4], text(126, 8)),
            (&[0x81, 0xfe, 0], Ok(None)),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4], text(65_536, 14)),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4], Err(FrameTooLarge)),
            (&[0x81, 0x05], Err(ProtocolError)),
            (&[0xc1, 0x85], Err(ProtocolError)),
            (&[0x83, 0x85], Err(ProtocolError)),
            (&[0x09, 0x80], Err(ProtocolError)),
            (&[0x89, 0xfe, 0, 126], Err(ProtocolError)),
            (&[0x81, 0xfe, 0, 125], Err(ProtocolError)),
            (&[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], Err(ProtocolError)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse_header(bytes, 65_536), expected, "{bytes:02x?}");
        }
    }
}
