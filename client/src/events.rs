//! A stream of server-sent events (WHATWG HTML, section 9.2), the client's half.

use std::borrow::Cow;

use crate::{
    handshake::Answer,
    response::{Head, ROOM},
    websocket::MAX_MESSAGE_BYTES,
};

/// What a field of data begins with, when its server writes it behind the event before.
pub(crate) const BEGUN: &[u8] = b"data: ";

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event<'a> {
    /// Its data; empty for one that has none, which is nothing.
    pub data: Cow<'a, [u8]>,
    /// The bytes that it took.
    pub length: usize,
}

/// Reads the head of the answer at the start of `bytes`; `None` if more bytes are needed.
///
/// # Errors
/// Names what is wrong with it.
pub(crate) fn answer(bytes: &[u8]) -> Result<Option<Answer>, &'static str> {
    let mut room = ROOM;
    let Some(head) = Head::read(bytes, &mut room)? else { return Ok(None) };
    if head.status != 200 {
        return Ok(Some(Answer::Refused(head.status)));
    }
    let kind = head.text("content-type").unwrap_or_default();
    if !kind.starts_with("text/event-stream") {
        return Err("an answer that is no stream of events");
    }
    match head.value("transfer-encoding") {
        None => Ok(Some(Answer::Upgraded(head.length))),
        Some(_) => Err("a stream in chunks, which this client does not read"),
    }
}

/// Reads the event at the start of `bytes`; `None` if more bytes are needed. Where it has begun, what it
/// began with was [`BEGUN`].
///
/// # Errors
/// It is too large.
pub(crate) fn next(bytes: &[u8], has_begun: bool) -> Result<Option<Event<'_>>, &'static str> {
    let (mut data, mut length, mut has_begun) = (None, 0, has_begun);
    while let Some(end) = memchr::memchr(b'\n', &bytes[length..]) {
        let line = &bytes[length..length + end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        length += end + 1;
        if std::mem::take(&mut has_begun) {
            data = Some(Cow::Borrowed(line));
        } else if line.is_empty() {
            return Ok(Some(Event { data: data.unwrap_or_default(), length }));
        } else if let Some(more) = line.strip_prefix(b"data:") {
            let more = more.strip_prefix(b" ").unwrap_or(more);
            match &mut data {
                None => data = Some(Cow::Borrowed(more)),
                Some(data) => {
                    data.to_mut().push(b'\n');
                    data.to_mut().extend_from_slice(more);
                }
            }
        }
    }
    match bytes.len() > MAX_MESSAGE_BYTES {
        true => Err("an event larger than 1 MiB"),
        false => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_stream_is_told_from_other_answers() {
        let good = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n";
        assert_eq!(answer(good.as_bytes()), Ok(Some(Answer::Upgraded(good.len()))));
        assert_eq!(answer(&good.as_bytes()[..20]), Ok(None));
        let refused = answer(b"HTTP/1.1 401 Unauthorized\r\n\r\n");
        assert_eq!(refused, Ok(Some(Answer::Refused(401))));
        assert!(answer(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n").is_err());
    }

    #[test]
    fn events_are_found_whatever_else_stands_in_them() {
        let cases = [
            ("data: {}\n\nrest", "{}", 10),
            ("data:{}\nevent: holdfast.hello\nid: 1\n\n", "{}", 37),
            (": comment\r\ndata: a\r\ndata: b\r\n\r\n", "a\nb", 31),
            ("retry: 1\n\n", "", 10),
            ("\n", "", 1),
        ];
        for (text, data, length) in cases {
            let found = next(text.as_bytes(), false).unwrap().unwrap();
            assert_eq!((&*found.data, found.length), (data.as_bytes(), length), "{text:?}");
        }
        assert_eq!(next(b"data: {}\n", false), Ok(None));
        assert!(next(&vec![b'x'; MAX_MESSAGE_BYTES + 1], false).is_err());
    }

    proptest! {
        #[test]
        fn pieces_say_the_same_as_the_whole(text in "(data: [a-z]{0,9}\n|:\n|id: x\n|\n){0,9}") {
            let whole = next(text.as_bytes(), false);
            for end in 0..text.len() {
                let part = next(&text.as_bytes()[..end], false);
                prop_assert!(part == Ok(None) || part == whole);
            }
        }

        #[test]
        fn one_that_has_begun_is_read_as_one_that_is_whole(
            text in "[a-z]{0,9}\n(data: [a-z]{0,9}\n|:\n|id: x\n){0,3}\n?",
        ) {
            let whole = [BEGUN, text.as_bytes()].concat();
            let rest = next(text.as_bytes(), true).unwrap();
            let rest = rest.map(|it| (it.data.into_owned(), it.length + BEGUN.len()));
            let whole = next(&whole, false).unwrap().map(|it| (it.data.into_owned(), it.length));
            prop_assert_eq!(rest, whole);
        }
    }
}
