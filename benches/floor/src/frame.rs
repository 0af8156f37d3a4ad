//! The frames that the floor writes, put together by hand (RFC 6455 section 5.2).

use std::time::{SystemTime, UNIX_EPOCH};

/// An empty ping (RFC 6455 section 5.5.2).
pub(crate) const PING: &[u8] = &[0x89, 0];

/// How the load client knows its phases `batch` and `all`, and what is for everybody.
pub(crate) const RANDOM: (u8, char) = (5, 'n');
pub(crate) const ALL: (u8, char) = (8, 'b');

/// Now, in microseconds since the epoch.
pub(crate) fn micros() -> usize {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as usize
}

/// A text frame of so many bytes that says when it was due.
pub(crate) fn fill(frame: &mut Vec<u8>, size: usize, stamp: (u8, char), number: usize, due: usize) {
    let (phase, kind) = stamp;
    let head = format!(r#"{{"type":"push","data":{{"t":{due},"f":{phase},"{kind}":{number},"p":""#);
    let size = size.max(head.len() + 3);
    frame.clear();
    frame.push(0x81);
    match size {
        0..126 => frame.push(size as u8),
        126..65_536 => {
            frame.push(126);
            frame.extend((size as u16).to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((size as u64).to_be_bytes());
        }
    }
    let end = frame.len() + size;
    frame.extend_from_slice(head.as_bytes());
    frame.resize(end - 3, b'x');
    frame.extend_from_slice(br#""}}"#);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_length_it_says_and_its_text_is_json() {
        for size in [0, 100, 125, 126, 171, 65_535, 65_536] {
            let mut frame = Vec::new();
            fill(&mut frame, size, ALL, 3, 1_234);
            let (length, head) = match frame[1] {
                126 => (usize::from(u16::from_be_bytes([frame[2], frame[3]])), 4),
                127 => (u64::from_be_bytes(frame[2..10].try_into().unwrap()) as usize, 10),
                short => (usize::from(short), 2),
            };
            let text = std::str::from_utf8(&frame[head..]).unwrap();
            assert_eq!(text.len(), length);
            assert!(length >= size && (size < 100 || length == size), "{length} of {size}");
            assert!(text.starts_with(r#"{"type":"push","data":{"t":1234,"f":8,"b":3,"p":""#));
            assert!(text.ends_with(r#""}}"#));
        }
    }
}
