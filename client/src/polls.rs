//! Answers of long poll, the client's half: each ends, and tells how long it is.

use std::mem;

use protocol::SessionId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::response::{Head, ROOM};

/// The largest answer taken, in bytes: it carries all that was waiting.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What a server said to a request.
#[derive(Debug)]
pub(crate) enum Answer<'a> {
    /// Frames, perhaps none.
    Frames(Frames<'a>),
    /// Nothing was new.
    Nothing,
    /// Another status than 200 and 204.
    Refused(u16),
}

/// The body of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Frames<'a> {
    /// The session that was asked, or has begun.
    pub session: SessionId,
    /// How many of its answers the client has seen with this one.
    pub seen: u32,
    #[serde(borrow)]
    frames: Vec<&'a RawValue>,
}

impl<'a> Frames<'a> {
    /// Each frame, in their order.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        mem::take(&mut self.frames).into_iter().map(|frame| frame.get().as_bytes())
    }
}

/// Reads the answer at the start of `bytes`, and how many it takes; `None` if more are needed.
///
/// # Errors
/// Names what is wrong with it.
pub(crate) fn answer(bytes: &[u8]) -> Result<Option<(Answer<'_>, usize)>, &'static str> {
    let mut room = ROOM;
    let Some(head) = Head::read(bytes, &mut room)? else { return Ok(None) };
    match head.status {
        200 => {}
        204 => return Ok(Some((Answer::Nothing, head.length))),
        status => return Ok(Some((Answer::Refused(status), head.length))),
    }
    let length = match head.text("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if length <= MAX_ANSWER_BYTES => head.length + length,
        Some(Ok(_)) => return Err("an answer larger than 16 MiB"),
        _ => return Err("an answer that does not tell its length"),
    };
    let Some(body) = bytes.get(head.length..length) else { return Ok(None) };
    match serde_json::from_slice(body) {
        Ok(frames) => Ok(Some((Answer::Frames(frames), length))),
        Err(_) => Err("an answer that is none to a poll"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}")
    }

    #[test]
    fn frames_are_found_as_they_are() {
        let body = r#"{"session":"00000000000000ff","seen":3,"frames":[{"type":"push","data":[1, 2]},{}]}"#;
        let text = of("200 OK", body) + "HTTP/1.1";
        let (found, length) = answer(text.as_bytes()).unwrap().unwrap();
        assert_eq!(length, text.len() - 8);
        let Answer::Frames(mut found) = found else { panic!("frames") };
        assert_eq!((found.session, found.seen), (SessionId(255), 3));
        let frames: Vec<_> = found.take().collect();
        assert_eq!(frames, [&br#"{"type":"push","data":[1, 2]}"#[..], b"{}"]);
    }

    #[test]
    fn others_are_told_apart() {
        let nothing = "HTTP/1.1 204 No Content\r\n\r\n";
        assert!(matches!(answer(nothing.as_bytes()), Ok(Some((Answer::Nothing, 27)))));
        let gone = of("410 Gone", "{}");
        assert!(matches!(answer(gone.as_bytes()), Ok(Some((Answer::Refused(410), _)))));
        let endless = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let large = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n";
        for (text, problem) in [
            (endless, "length"),
            (large, "16 MiB"),
            (&of("200 OK", "{}"), "none to a poll"),
            ("SSH-2.0\r\n\r\n", "not HTTP"),
        ] {
            assert!(answer(text.as_bytes()).unwrap_err().contains(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_no_answer(cut in 0..130_usize) {
            let text = of("200 OK", r#"{"session":"1","seen":1,"frames":[{"type":"hello"}]}"#);
            let part = answer(&text.as_bytes()[..cut.min(text.len() - 1)]);
            prop_assert!(matches!(part, Ok(None)), "{:?}", part);
        }
    }
}
