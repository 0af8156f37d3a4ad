//! What both ends of a WebSocket say of a frame (RFC 6455 section 5): its opcode, its length, its
//! mask, and which close codes may be sent. The gateway reads masked frames and writes plain ones,
//! the load client the other way round; both build on this.

/// The first byte's mark of a message's last fragment.
pub const FIN: u8 = 0x80;
/// The first byte's bits that only extensions give a meaning.
pub const RESERVED_BITS: u8 = 0x70;
/// The second byte's mark of a masked payload.
pub const MASKED: u8 = 0x80;
/// The longest payload of a control frame, in bytes (section 5.5).
pub const MAX_CONTROL_BYTES: usize = 125;

const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// What a frame is (section 11.8).
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
    /// The opcode in a frame's first byte; `None` for those that mean nothing.
    pub const fn of(first: u8) -> Option<Self> {
        Some(match first & 0x0f {
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

/// The length of a payload, as a header says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// Bytes of payload.
    pub payload: u64,
    /// Bytes that the length takes behind the header's second byte.
    pub size: usize,
    /// Whether a shorter form would have said the same, or the highest bit is set; a frame must
    /// have neither (section 5.2).
    pub malformed: bool,
}

/// Reads a length from a header's second byte and those behind it; `None` while some are missing.
pub fn parse_length(second: u8, rest: &[u8]) -> Option<Length> {
    let (payload, size, shortest) = match second & !MASKED {
        LENGTH_16 => (u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 2, 126),
        LENGTH_64 => (u64::from_be_bytes(*rest.first_chunk()?), 8, 65_536),
        short => (u64::from(short), 0, 0),
    };
    Some(Length { payload, size, malformed: payload < shortest || payload > i64::MAX as u64 })
}

/// Whether a control frame with this first and second byte is cut up or too long (section 5.5).
pub const fn is_wrong_control(first: u8, second: u8) -> bool {
    first & FIN == 0 || second & !MASKED > MAX_CONTROL_BYTES as u8
}

/// Appends the header of an unmasked frame that is a whole message.
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

/// Applies a mask, or removes it, four bytes at a time (section 5.3).
pub fn mask(payload: &mut [u8], key: [u8; 4]) {
    let word = u32::from_ne_bytes(key);
    let (words, tail) = payload.as_chunks_mut::<4>();
    for chunk in words {
        *chunk = (u32::from_ne_bytes(*chunk) ^ word).to_ne_bytes();
    }
    tail.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
}

/// Appends a masked frame that is a whole message.
pub fn masked_frame(opcode: Opcode, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    let second = out.len() + 1;
    header(opcode, payload.len(), out);
    out[second] |= MASKED;
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key);
}

/// Whether a peer may send this close code (section 7.4 and the IANA registry).
pub const fn is_sendable_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_are_read_in_every_form() {
        let length = |payload, size, malformed| Some(Length { payload, size, malformed });
        let cases: [(&[u8], _); 11] = [
            (&[0], length(0, 0, false)),
            (&[MASKED | 125], length(125, 0, false)),
            (&[126, 0], None),
            (&[126, 0, 126], length(126, 2, false)),
            (&[126, 0, 125], length(125, 2, true)),
            (&[126, 255, 255], length(65_535, 2, false)),
            (&[127, 0, 0, 0, 0, 0, 1, 0], None),
            (&[127, 0, 0, 0, 0, 0, 1, 0, 0], length(65_536, 8, false)),
            (&[127, 0, 0, 0, 0, 0, 0, 255, 255], length(65_535, 8, true)),
            (&[127, 127, 255, 255, 255, 255, 255, 255, 255], length((1 << 63) - 1, 8, false)),
            (&[127, 128, 0, 0, 0, 0, 0, 0, 0], length(1 << 63, 8, true)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(parse_length(bytes[0], &bytes[1..]), expected, "{bytes:?}");
        }
    }

    #[test]
    fn control_frames_are_whole_and_short() {
        assert!(!is_wrong_control(FIN | 9, 125));
        assert!(!is_wrong_control(FIN | 9, MASKED | 125));
        assert!(is_wrong_control(FIN | 9, 126));
        assert!(is_wrong_control(9, 0));
    }

    #[test]
    fn opcodes_are_those_of_the_registry() {
        let known = [0, 1, 2, 8, 9, 10];
        for bits in 0..16_u8 {
            let opcode = Opcode::of(FIN | bits);
            assert_eq!(opcode.map(|opcode| opcode as u8), known.contains(&bits).then_some(bits));
            assert_eq!(opcode.is_some_and(Opcode::is_control), known[3..].contains(&bits));
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
            header(Opcode::Text, length, &mut out);
            assert_eq!(out, expected);
        }
    }

    proptest! {
        #[test]
        fn a_header_is_read_as_it_was_written(length in 0_usize..200_000) {
            let mut bytes = Vec::new();
            header(Opcode::Text, length, &mut bytes);
            let read = parse_length(bytes[1], &bytes[2..]).expect("whole");
            prop_assert_eq!(read.payload, length as u64);
            prop_assert_eq!((read.size + 2, read.malformed), (bytes.len(), false));
        }

        #[test]
        fn a_mask_is_taken_off_as_it_was_put_on(
            payload in prop::collection::vec(any::<u8>(), 0..300), key in any::<[u8; 4]>()
        ) {
            let before = b"what is there";
            let mut frame = before.to_vec();
            masked_frame(Opcode::Binary, &payload, key, &mut frame);
            let frame = frame.strip_prefix(before).expect("appended");
            prop_assert_eq!((frame[0], frame[1] & MASKED), (FIN | Opcode::Binary as u8, MASKED));
            let length = parse_length(frame[1], &frame[2..]).expect("whole");
            let start = 2 + length.size + key.len();
            prop_assert_eq!(&frame[start - 4..start], &key[..]);
            let masked = frame[start..].iter().zip(key.iter().cycle());
            let plain: Vec<_> = masked.map(|(byte, key)| byte ^ key).collect();
            prop_assert_eq!(plain, payload);
        }
    }
}
