//! Server-sent events: one JSON frame an event, in an answer that does not end
//! (WHATWG HTML, section 9.2).
//!
//! The field name of the next event's data stands behind each event already, so that a frame which is
//! shared by all transports needs nothing in front of it. Fields may come in any order, and what an
//! event has begun with when the stream ends is nothing (section 9.2.6).

use std::{io::Write, ops::Range};

use protocol::{CloseReason, server_frame::PING};

use super::{
    inbound::{Assembly, Inbound, Sink},
    wire::Wire,
};

/// What ends an event and begins the next one.
pub(super) const BETWEEN: &[u8] = b"\n\ndata: ";
/// The pause of one who shall not come back: a day.
const NEVER_MS: u32 = 86_400_000;
/// The id that marks a stream whose client shall not come back.
pub(crate) const END_ID: &str = "end";

/// The transport of events.
pub(crate) struct Sse;

impl Wire for Sse {
    fn next(
        &self,
        bytes: &mut [u8],
        _: &mut Option<Assembly>,
        _: usize,
        sink: Sink<'_>,
    ) -> Result<Option<usize>, CloseReason> {
        // A request has been answered, and its answer has no end: nothing that follows is one.
        if bytes.is_empty() {
            return Ok(None);
        }
        sink(Inbound::Nothing)?;
        Ok(Some(bytes.len()))
    }

    fn encode(&self, json: &[u8], out: &mut Vec<u8>) {
        event(json, b"", out);
        out.extend_from_slice(BETWEEN);
    }

    fn has_ids(&self) -> bool {
        true
    }

    fn encode_at(&self, json: &[u8], cursors: &[u8], out: &mut Vec<u8>) {
        event(json, b"", out);
        if !cursors.is_empty() {
            out.extend_from_slice(b"\nid: ");
            out.extend_from_slice(cursors);
        }
        out.extend_from_slice(BETWEEN);
    }

    fn slice(&self, json: Range<usize>) -> Range<usize> {
        json.start..json.end + BETWEEN.len()
    }

    fn ping(&self, out: &mut Vec<u8>) {
        // The comment is for proxies and programs that look for one.
        event(PING, b"\n:", out);
        out.extend_from_slice(BETWEEN);
    }

    fn bye(&self, json: &[u8], retry_ms: Option<u32>, out: &mut Vec<u8>) {
        event(json, b"", out);
        let _ = write!(out, "\nretry: {}", retry_ms.unwrap_or(NEVER_MS));
        if retry_ms.is_none() {
            let _ = write!(out, "\nid: {END_ID}");
        }
        out.extend_from_slice(b"\n\n");
    }

    fn answers_pings(&self) -> bool {
        false
    }

    fn ends_by_shutdown(&self) -> bool {
        true
    }
}

/// The lines of an event whose first line has begun, without the last line break. Pushes have no name, so
/// that `onmessage` sees them.
fn event(json: &[u8], more: &[u8], out: &mut Vec<u8>) {
    // In a JSON text a line break is a space (RFC 8259 section 2); in a stream of lines it is not.
    out.extend(json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    if let Some(name) = name(json).filter(|name| *name != b"push") {
        out.extend_from_slice(b"\nevent: holdfast.");
        out.extend_from_slice(name);
    }
    out.extend_from_slice(more);
}

/// The type of a frame of ours, which stands first in it.
fn name(json: &[u8]) -> Option<&[u8]> {
    let rest = json.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().position(|byte| !byte.is_ascii_lowercase())?;
    (end > 0 && rest[end] == b'"').then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"data: ".to_vec();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn pushes_have_no_name_and_other_frames_have() {
        let push = br#"{"type":"push","id":"1","data":{}}"#;
        let hello = br#"{"type":"hello","user":"u"}"#;
        assert_eq!(
            written(|out| {
                Sse.encode(push, out);
                Sse.encode(hello, out);
                Sse.ping(out);
            }),
            "data: {\"type\":\"push\",\"id\":\"1\",\"data\":{}}\n\n\
             data: {\"type\":\"hello\",\"user\":\"u\"}\nevent: holdfast.hello\n\n\
             data: {\"type\":\"ping\"}\nevent: holdfast.ping\n:\n\ndata: "
        );
    }

    #[test]
    fn a_goodbye_says_when_to_come_back_if_at_all() {
        let bye = br#"{"type":"bye","reason":"r"}"#;
        let line = "data: {\"type\":\"bye\",\"reason\":\"r\"}\nevent: holdfast.bye\n";
        let back = written(|out| Sse.bye(bye, Some(1500), out));
        assert_eq!(back, format!("{line}retry: 1500\n\n"));
        let never = written(|out| Sse.bye(bye, None, out));
        assert_eq!(never, format!("{line}retry: 86400000\nid: end\n\n"));
    }

    #[test]
    fn a_frame_is_one_line_whatever_is_in_it() {
        let said = written(|out| Sse.encode(b"{\n\"x\":\r\n1}", out));
        assert_eq!(said, "data: { \"x\":  1}\n\ndata: ");
        for odd in [&br#"{"type":"a\nb"}"#[..], br#"{"type":""}"#, br#"{"type":"x"#, b"1"] {
            assert!(!written(|out| Sse.encode(odd, out)).contains("event"));
        }
    }
}
