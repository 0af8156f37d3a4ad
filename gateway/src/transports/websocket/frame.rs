//! Single WebSocket frames (RFC 6455 section 5.2), read in place from a client and written to it.

use protocol::CloseReason;

const FIN: u8 = 0x80;
const RESERVED_BITS: u8 = 0x70;
const MASKED: u8 = 0x80;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What a frame is (RFC 6455 section 11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0,
    /// UTF-8 text.
    Text = 1,
    /// Anything.
    Binary = 2,
    /// The end of the connection.
    Close = 8,
    /// To be answered.
    Ping = 9,
    /// An answer.
    Pong = 10,
}

impl Opcode {
    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    /// Control frames are short, whole, and may stand between fragments (section 5.5).
    pub const fn is_control(self) -> bool {
        self as u8 >= Self::Close as u8
    }
}

/// The header of a frame from a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
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
pub fn parse_header(bytes: &[u8], limit: usize) -> Result<Option<Header>, CloseReason> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let fin = first & FIN != 0;
    let opcode = Opcode::from_bits(first & 0x0f).ok_or(CloseReason::ProtocolError)?;
    let short = second & !MASKED;
    let control_is_wrong = opcode.is_control() && (!fin || short >= LENGTH_16);
    // Clients must mask (section 5.1); no extension gives the reserved bits a meaning.
    if first & RESERVED_BITS != 0 || second & MASKED == 0 || control_is_wrong {
        return Err(CloseReason::ProtocolError);
    }
    let Some((length, length_size)) = parse_length(short, rest)? else { return Ok(None) };
    if length > limit as u64 {
        return Err(CloseReason::FrameTooLarge);
    }
    let Some(mask) = rest[length_size..].first_chunk::<4>() else { return Ok(None) };
    let size = 2 + length_size + mask.len();
    Ok(Some(Header { fin, opcode, mask: *mask, length: length as usize, size }))
}

fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, usize)>, CloseReason> {
    let (length, size, shortest) = match short {
        LENGTH_16 => match rest.first_chunk::<2>() {
            Some(bytes) => (u64::from(u16::from_be_bytes(*bytes)), 2, 126),
            None => return Ok(None),
        },
        LENGTH_64 => match rest.first_chunk::<8>() {
            Some(bytes) => (u64::from_be_bytes(*bytes), 8, 65_536),
            None => return Ok(None),
        },
        short => (u64::from(short), 0, 0),
    };
    match length < shortest || length > i64::MAX as u64 {
        true => Err(CloseReason::ProtocolError),
        false => Ok(Some((length, size))),
    }
}

/// Removes (or applies) the mask of section 5.3, four bytes at a time.
pub fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u32::from_ne_bytes(mask);
    let (words, tail) = payload.as_chunks_mut::<4>();
    for chunk in words {
        *chunk = (u32::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    tail.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
}

/// Appends the header of an unmasked, unfragmented frame.
pub fn header(opcode: Opcode, length: usize, out: &mut Vec<u8>) {
    out.push(FIN | opcode as u8);
    match length {
        0..=125 => out.push(length as u8),
        126..=65_535 => {
            out.push(LENGTH_16);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            out.push(LENGTH_64);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// Appends the header of a text frame.
pub fn text_header(length: usize, out: &mut Vec<u8>) {
    header(Opcode::Text, length, out);
}

/// Appends a whole frame.
pub fn frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    header(opcode, payload.len(), out);
    out.extend_from_slice(payload);
}

/// Appends a close frame (section 5.5.1).
pub fn close_frame(code: u16, reason: &str, out: &mut Vec<u8>) {
    header(Opcode::Close, 2 + reason.len(), out);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Whether a peer may send this close code (section 7.4 and the IANA registry).
pub fn is_valid_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
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

    #[test]
    fn masks_cover_every_length() {
        for length in 0..20_u8 {
            let clear: Vec<u8> = (0..length).collect();
            let mask = [0xa5, 0x5a, 0xff, 0x01];
            let expected: Vec<u8> =
                clear.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
            let mut masked = clear.clone();
            unmask(&mut masked, mask);
            assert_eq!(masked, expected);
            unmask(&mut masked, mask);
            assert_eq!(masked, clear);
        }
    }

    #[test]
    fn written_headers_have_the_shortest_length() {
        for (length, expected) in [
            (0, vec![0x81, 0]),
            (125, vec![0x81, 125]),
            (126, vec![0x81, 126, 0, 126]),
            (65_535, vec![0x81, 126, 0xff, 0xff]),
            (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut out = Vec::new();
            text_header(length, &mut out);
            assert_eq!(out, expected);
        }
    }
}
