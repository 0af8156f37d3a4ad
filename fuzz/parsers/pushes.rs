//! Bytes from backends.

use protocol::{MessageId, Topic, push::MAX_PAYLOAD_BYTES, server_frame};
use pusher_api::internals::{Line, Lines, Push, To, parse};
use serde::de::IgnoredAny;

use super::pieces;

/// The body of a push; and a batch whose pieces are as long as the first byte says.
pub(crate) fn push_body(data: &[u8]) {
    match parse(data) {
        Ok(push) => check(&push),
        Err(problem) => {
            assert!(matches!(problem.status, 400 | 413 | 422), "{problem:?}");
            let pointer = problem.pointer.unwrap_or_default();
            assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer}");
        }
    }
    if let Some((step, body)) = data.split_first() {
        assert_eq!(lines(pieces(body, *step)), lines(std::iter::once(body)));
    }
}

/// Whatever was accepted becomes one line of JSON of bounded length.
fn check(push: &Push<'_>) {
    let topic = match &push.to {
        To::Topic(topic) => Some(Topic::new(topic.as_str()).expect("a checked name")),
        To::User(_) | To::Users(_) | To::All(_) => None,
    };
    let id = push.id.unwrap_or_else(MessageId::generate);
    let frame = server_frame::push(id, push.payload.as_frame_payload(), topic.as_ref());
    assert!(!frame.iter().any(|byte| matches!(byte, b'\n' | b'\r')), "more than one line");
    assert!(frame.len() < MAX_PAYLOAD_BYTES * 4 / 3 + 1024);
    serde_json::from_slice::<IgnoredAny>(&frame).expect("a frame is JSON");
    std::str::from_utf8(&frame).expect("a frame is text");
}

fn lines<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Vec<(u64, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut lines = Lines::new(64);
    for mut chunk in chunks {
        while let Some((number, line)) = lines.next(&mut chunk) {
            found.push((number, owned(line)));
        }
    }
    found.extend(lines.last().map(|(number, line)| (number, owned(line))));
    found
}

fn owned(line: Line<'_>) -> Option<Vec<u8>> {
    match line {
        Line::Complete(bytes) => Some(bytes.to_vec()),
        Line::TooLong => None,
    }
}
