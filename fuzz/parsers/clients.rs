//! Bytes from clients.

use std::fmt::Debug;

use gateway::internals::{
    Assembly, HeadError, Inbound, LONGEST_WAIT, MAX_HEAD_BYTES, Question, Request, first_frame,
    first_message, frames, next_frame, next_line, question,
};
use protocol::{
    CloseReason,
    client_frame::{ClientFrame, FrameError},
};
use serde::de::IgnoredAny;

use super::pieces;

/// Small, so that limits are met.
const LIMIT: usize = 4096;

/// What came out, and why it ended.
type Outcome = (Vec<String>, Option<CloseReason>);

fn read_websocket<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let (mut waiting, mut found) = (Vec::new(), Vec::new());
    let mut assembly: Option<Assembly> = None;
    for chunk in chunks {
        waiting.extend_from_slice(chunk);
        let mut used = 0;
        loop {
            let sink = |inbound: Inbound<'_>| {
                if let Inbound::Frame(text) = inbound {
                    assert!(std::str::from_utf8(text).is_ok(), "text that is not UTF-8");
                }
                found.push(format!("{inbound:?}"));
                Ok::<(), CloseReason>(())
            };
            match next_frame(&mut waiting[used..], &mut assembly, LIMIT, sink) {
                Ok(Some(taken)) => used += taken,
                Ok(None) => break,
                Err(reason) => return (found, Some(reason)),
            }
        }
        waiting.drain(..used);
        assert!(waiting.len() < LIMIT + 14, "a whole frame was left");
    }
    (found, None)
}

/// The first byte says how the rest is cut.
pub(crate) fn websocket_frames(data: &[u8]) {
    let Some((step, bytes)) = data.split_first() else { return };
    assert_eq!(read_websocket(pieces(bytes, *step)), read_websocket(std::iter::once(bytes)));
}

fn read_lines<'a>(chunks: impl Iterator<Item = &'a [u8]>, limit: usize) -> Outcome {
    let (mut waiting, mut found) = (Vec::new(), Vec::new());
    for chunk in chunks {
        waiting.extend_from_slice(chunk);
        let mut used = 0;
        loop {
            match next_line(&waiting[used..], limit) {
                Ok(Some((line, taken))) => {
                    assert!(line.len() <= limit && !line.contains(&b'\n'));
                    found.push(format!("{line:?}"));
                    used += taken;
                }
                Ok(None) => break,
                Err(reason) => return (found, Some(reason)),
            }
        }
        waiting.drain(..used);
    }
    (found, None)
}

/// The first byte says how the rest is cut, the second how long lines may be.
pub(crate) fn tcp_lines(data: &[u8]) {
    let [step, limit, bytes @ ..] = data else { return };
    let limit = usize::from(*limit);
    assert_eq!(read_lines(pieces(bytes, *step), limit), read_lines(std::iter::once(bytes), limit));
}

/// The first byte says how the rest is cut.
pub(crate) fn request_heads(data: &[u8]) {
    let Some((step, bytes)) = data.split_first() else { return };
    let mut waiting = Vec::new();
    for piece in pieces(bytes, *step) {
        waiting.extend_from_slice(piece);
        match Request::read(&waiting) {
            Ok(None) => assert!(waiting.len() < MAX_HEAD_BYTES, "a head without an end"),
            decided => return assert_eq!(decided, Request::read(bytes)),
        }
    }
    assert_eq!(Request::read(bytes), Ok::<_, HeadError>(None));
}

/// The first line of a TCP client.
pub(crate) fn first_lines(data: &[u8]) {
    decided_once(data, first_frame);
}

/// The first message of a WebSocket's client.
pub(crate) fn first_messages(data: &[u8]) {
    decided_once(data, first_message);
}

/// The request of a poll.
pub(crate) fn polls(data: &[u8]) {
    let Ok(Some((request, _))) = Request::read(data) else { return };
    match question(&request) {
        Ok(Question { session, seen, wait }) => {
            assert!(wait <= LONGEST_WAIT && (session.is_some() || seen == 0));
        }
        Err(problem) => assert_eq!(problem.status, 400),
    }
}

/// What is posted: each frame is a line of it, or it is one frame.
pub(crate) fn posted_frames(data: &[u8]) {
    match frames(data) {
        Ok(found) => {
            assert!((1..=100).contains(&found.len()), "{}", found.len());
            assert!(found.is_sorted_by_key(|(line, _)| *line));
            let lines: Vec<_> = data.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
            for (line, frame) in &found {
                assert!(!frame.is_empty());
                assert!(found.len() == 1 || lines[line - 1] == *frame, "{line}");
            }
        }
        Err(problem) => assert!(matches!(problem.status, 400 | 413), "{problem:?}"),
    }
}

/// What pieces say first is what the whole says, and nothing is waited for that is too long. The first byte
/// says how the rest is cut, the second how long a frame may be.
fn decided_once<T: Debug + PartialEq>(
    data: &[u8],
    parse: fn(&[u8], usize) -> Result<Option<T>, CloseReason>,
) {
    let [step, limit, bytes @ ..] = data else { return };
    let limit = usize::from(*limit);
    let mut waiting = Vec::new();
    for piece in pieces(bytes, *step) {
        waiting.extend_from_slice(piece);
        match parse(&waiting, limit) {
            Ok(None) => assert!(waiting.len() < MAX_HEAD_BYTES, "a frame without an end"),
            decided => return assert_eq!(decided, parse(bytes, limit)),
        }
    }
    assert_eq!(parse(bytes, limit), Ok(None));
}

/// One JSON frame.
pub(crate) fn client_frames(data: &[u8]) {
    let is_json =
        std::str::from_utf8(data).is_ok() && serde_json::from_slice::<IgnoredAny>(data).is_ok();
    match ClientFrame::parse(data) {
        Ok(_) | Err(FrameError::UnknownType(_) | FrameError::AckNeedsCursor) => assert!(is_json),
        Err(FrameError::Invalid(_) | FrameError::NotJson(_)) => {}
    }
}
