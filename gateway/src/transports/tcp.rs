//! The TCP transport: one JSON frame a line, `\n` at the end, `\r\n` is fine too.

use std::ops::Range;

use protocol::{CloseReason, server_frame::PING};

use super::{
    inbound::{Assembly, Inbound, Sink},
    wire::Wire,
};

/// The transport of lines.
pub struct Tcp;

impl Wire for Tcp {
    fn next(
        &self,
        bytes: &mut [u8],
        _: &mut Option<Assembly>,
        limit: usize,
        sink: Sink<'_>,
    ) -> Result<Option<usize>, CloseReason> {
        let Some((line, taken)) = next_line(bytes, limit)? else { return Ok(None) };
        // An empty line is no frame, but whoever sends many of them is heard.
        sink(if line.is_empty() { Inbound::Nothing } else { Inbound::Frame(line) })?;
        Ok(Some(taken))
    }

    fn encode(&self, json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(json);
        out.push(b'\n');
    }

    fn slice(&self, json: Range<usize>) -> Range<usize> {
        json.start..json.end + 1
    }

    fn ping(&self, out: &mut Vec<u8>) {
        self.encode(PING, out);
    }

    fn ends_by_shutdown(&self) -> bool {
        true
    }
}

/// Finds the first line in `bytes`, without its line break.
///
/// Returns the line and how many bytes it took with its break, or `None` while it is incomplete.
///
/// # Errors
/// The line is longer than `limit` bytes.
pub fn next_line(bytes: &[u8], limit: usize) -> Result<Option<(&[u8], usize)>, CloseReason> {
    // One byte more than the limit for the `\r`, so that the longest line is found in any case.
    let searched = &bytes[..bytes.len().min(limit + 2)];
    match memchr::memchr(b'\n', searched) {
        Some(end) => {
            let line = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
            match line.len() > limit {
                true => Err(CloseReason::FrameTooLarge),
                false => Ok(Some((line, end + 1))),
            }
        }
        None if bytes.len() > limit + 1 => Err(CloseReason::FrameTooLarge),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_found() {
        let cases: [(&[u8], _); 8] = [
            (b"", Ok(None)),
            (b"{}", Ok(None)),
            (b"{}\n", Ok(Some((&b"{}"[..], 3)))),
            (b"{}\r\nrest", Ok(Some((&b"{}"[..], 4)))),
            (b"\n", Ok(Some((&b""[..], 1)))),
            (b"12345\r\n", Ok(Some((&b"12345"[..], 7)))),
            (b"123456\n", Err(CloseReason::FrameTooLarge)),
            (b"1234567", Err(CloseReason::FrameTooLarge)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(next_line(bytes, 5), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn an_empty_line_is_told_and_is_no_frame() {
        let mut found = Vec::new();
        let (mut bytes, mut used) = (b"\n\r\n{}\n".to_vec(), 0);
        while let Ok(Some(taken)) = Tcp.next(&mut bytes[used..], &mut None, 9, &mut |inbound| {
            found.push(format!("{inbound:?}"));
            Ok(())
        }) {
            used += taken;
        }
        assert_eq!(found, ["Nothing", "Nothing", "Frame([123, 125])"]);
    }

    proptest! {
        #[test]
        fn every_byte_is_used_once(lines in prop::collection::vec("[a-z]{0,8}", 0..9)) {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            let mut rest = text.as_bytes();
            let mut found = Vec::new();
            while let Some((line, used)) = next_line(rest, 8).expect("short lines") {
                found.push(String::from_utf8(line.to_vec()).expect("text"));
                rest = &rest[used..];
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(found, lines);
        }
    }
}
