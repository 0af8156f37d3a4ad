//! WebSocket framing as a client sees it (RFC 6455 section 5): server frames in, masked frames out.
//!
//! [`decode`] looks at the bytes that are there and never keeps any, so the caller decides whether
//! a session owns a buffer at all.

use protocol::websocket::{
    FIN, Length, MASKED, MAX_CONTROL_BYTES, Opcode, RESERVED_BITS, is_wrong_control, masked_frame,
    parse_length,
};

/// The largest frame or message taken from a server, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// A complete frame, still where it was read to.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Whether this is the last frame of its message.
    pub last: bool,
    /// What it is.
    pub opcode: Opcode,
    /// What it carries.
    pub payload: &'a [u8],
    /// How many bytes header and payload take.
    pub length: usize,
}

/// Reads the frame at the start of `bytes`; `None` if more bytes are needed. A length that a shorter
/// form would have said is taken, too: this measures servers, it does not judge them.
///
/// # Errors
/// Names the rule that the server broke.
pub fn decode(bytes: &[u8]) -> Result<Option<Frame<'_>>, &'static str> {
    let &[first, second, ref rest @ ..] = bytes else { return Ok(None) };
    if first & RESERVED_BITS != 0 {
        return Err("a reserved bit that no extension uses");
    }
    let opcode = Opcode::of(first).ok_or("a reserved opcode")?;
    if second & MASKED != 0 {
        return Err("a masked frame from a server");
    }
    if opcode.is_control() && is_wrong_control(first, second) {
        return Err("a control frame that is cut up or longer than 125 bytes");
    }
    let Some(Length { payload, size, .. }) = parse_length(second, rest) else { return Ok(None) };
    if payload > MAX_MESSAGE_BYTES as u64 {
        return Err("a frame larger than 1 MiB");
    }
    let header = 2 + size;
    let (last, length) = (first & FIN != 0, header + payload as usize);
    Ok(bytes.get(header..length).map(|payload| Frame { last, opcode, payload, length }))
}

/// A frame from the client, masked as section 5.3 asks. It carries 125 bytes at most, like every
/// control frame; what is beyond is cut off.
pub fn short_frame(opcode: Opcode, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(MAX_CONTROL_BYTES)];
    let mut frame = Vec::with_capacity(2 + mask.len() + payload.len());
    masked_frame(opcode, payload, mask, &mut frame);
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(length as u8),
            length @ 126..=65_535 => {
                frame.push(126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn frames_decode() {
        let cases = [
            (0x81, true, Opcode::Text, 0),
            (0x81, true, Opcode::Text, 125),
            (0x01, false, Opcode::Text, 126),
            (0x80, true, Opcode::Continuation, 65_535),
            (0x82, true, Opcode::Binary, 65_536),
            (0x88, true, Opcode::Close, 2),
            (0x89, true, Opcode::Ping, 4),
            (0x8a, true, Opcode::Pong, 0),
        ];
        for (first, last, opcode, size) in cases {
            let payload = vec![b'x'; size];
            let bytes = server_frame(first, &payload);
            let frame = decode(&bytes).expect("legal").expect("complete");
            assert_eq!(frame, Frame { last, opcode, payload: &payload, length: bytes.len() });
            assert_eq!(decode(&bytes[..bytes.len() - 1]), Ok(None));
        }
    }

    #[test]
    fn broken_rules_are_named() {
        let cases: [(&[u8], &str); 6] = [
            (&[0x81, 0x80], "masked"),
            (&[0xc1, 0], "reserved bit"),
            (&[0x83, 0], "reserved opcode"),
            (&[0x09, 0], "control"),
            (&[0x89, 126, 0, 200], "control"),
            (&[0x81, 127, 0, 0, 0, 0, 0, 16, 0, 1], "1 MiB"),
        ];
        for (bytes, rule) in cases {
            let error = decode(bytes).expect_err(rule);
            assert!(error.contains(rule), "{error}");
        }
    }

    #[test]
    fn short_frames_are_masked() {
        assert_eq!(
            short_frame(Opcode::Pong, b"ab", [1, 2, 3, 4]),
            [0x8a, 0x82, 1, 2, 3, 4, 96, 96]
        );
        assert_eq!(short_frame(Opcode::Close, &[], [9; 4]), [0x88, 0x80, 9, 9, 9, 9]);
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(Some(frame)) = decode(&bytes) {
                prop_assert!(frame.length <= bytes.len());
            }
        }
    }
}
