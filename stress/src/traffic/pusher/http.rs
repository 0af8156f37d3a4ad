//! Reads pusher-api's answers.

use client::response::{Head, ROOM};
use serde::Deserialize;

use crate::settings::phases::Mode;

/// The largest body taken.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A complete answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Vec<u8>,
    /// Whether the server ends the connection.
    pub(super) closes: bool,
}

#[derive(Deserialize)]
struct BatchAnswer {
    accepted: u64,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
struct Rejected {
    detail: String,
    /// The first and the last line that this is about; one line if they are not told.
    lines: Option<[u64; 2]>,
}

impl Answer {
    /// How many of a request's messages were accepted, and how many were not for which reason.
    pub(super) fn verdict(&self, mode: Mode, messages: u64) -> (u64, Vec<(String, u64)>) {
        let status = format!("HTTP status {}", self.status);
        if !(200..300).contains(&self.status) {
            return (0, vec![(status, messages)]);
        }
        if mode == Mode::Single {
            return (messages, Vec::new());
        }
        match serde_json::from_slice::<BatchAnswer>(&self.body) {
            Ok(answer) => answer.verdict(messages),
            Err(error) => (0, vec![(format!("{status}, but no batch answer: {error}"), messages)]),
        }
    }
}

impl BatchAnswer {
    /// The same, with no more refused than were not accepted.
    fn verdict(self, messages: u64) -> (u64, Vec<(String, u64)>) {
        let accepted = self.accepted.min(messages);
        let mut left = messages - accepted;
        let mut refused = Vec::new();
        for Rejected { detail, lines } in self.rejected {
            let count = lines.map_or(1, |[first, last]| last.saturating_sub(first) + 1).min(left);
            if count > 0 {
                refused.push((detail, count));
            }
            left -= count;
        }
        if left > 0 {
            refused.push(("rejected without reason".to_owned(), left));
        }
        (accepted, refused)
    }
}

/// Reads the answer that `bytes` hold; `None` if more bytes are needed.
pub(super) fn answer(bytes: &[u8]) -> Result<Option<Answer>, &'static str> {
    let mut room = ROOM;
    let Some(head) = Head::read(bytes, &mut room)? else { return Ok(None) };
    let length = match head.text("content-length").map(str::parse::<usize>) {
        Some(Ok(length)) if length <= MAX_BODY_BYTES => length,
        None if head.status == 204 || head.text("transfer-encoding").is_none() => 0,
        _ => return Err("a response whose length is not told, or too large"),
    };
    let closes = head.text("connection").is_some_and(|it| it.eq_ignore_ascii_case("close"));
    let body = bytes.get(head.length..head.length + length);
    Ok(body.map(|body| Answer { status: head.status, body: body.to_vec(), closes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(text: &str) -> Answer {
        answer(text.as_bytes()).expect("legal").expect("complete")
    }

    #[test]
    fn answers_say_how_much_was_accepted() {
        let batch = |body: &'static str, accepted, refused: &'static [(&str, u64)]| {
            (Mode::Batch, "200 OK", body, accepted, refused)
        };
        let cases = [
            (Mode::Single, "202 Accepted", r#"{"id":"x"}"#, 1, &[][..]),
            (Mode::Single, "503 Busy", "", 0, &[("HTTP status 503", 1)]),
            batch(r#"{"accepted":5,"rejected":[]}"#, 5, &[]),
            batch(
                r#"{"accepted":4,"rejected":[{"line":3,"detail":"no user"}]}"#,
                4,
                &[("no user", 1)],
            ),
            batch(
                r#"{"accepted":1,"rejected":[{"lines":[2,4],"detail":"full"}]}"#,
                1,
                &[("full", 3), ("rejected without reason", 1)],
            ),
            (Mode::Batch, "401 No", "{}", 0, &[("HTTP status 401", 5)]),
        ];
        for (mode, status, body, accepted, refused) in cases {
            let length = body.len();
            let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
            let messages = if mode == Mode::Single { 1 } else { 5 };
            let refused: Vec<_> =
                refused.iter().map(|(why, count)| ((*why).to_owned(), *count)).collect();
            assert_eq!(complete(&text).verdict(mode, messages), (accepted, refused), "{text}");
            assert_eq!(answer(&text.as_bytes()[..text.len() - 1]), Ok(None));
        }
    }

    #[test]
    fn strange_answers_are_refused() {
        for text in ["SSH-2.0\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
            assert!(answer(text.as_bytes()).is_err(), "{text}");
        }
        assert!(complete("HTTP/1.1 204 No\r\nConnection: close\r\n\r\n").closes);
    }
}
