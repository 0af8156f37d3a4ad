//! What is said to a server by requests of their own, where the session's connection has no way up.

use std::{
    io::{self, Read},
    time::{Duration, Instant},
};

use client::{
    opening,
    response::{Head, ROOM},
};
use protocol::SessionId;

use super::{channel::say, visitor::Visitor};

/// How long a request may take.
const WITHIN: Duration = Duration::from_secs(10);
/// The most of an answer that is looked at, in bytes.
const LONGEST_ANSWER: usize = 4096;
/// What is read at once.
const SCRATCH_BYTES: usize = 1024;

/// Posts frames of a session; what the server says if it does not take them.
///
/// # Errors
/// The server cannot be reached.
pub(super) fn post(
    visitor: &Visitor,
    session: SessionId,
    frames: &[u8],
) -> io::Result<Option<String>> {
    let frames = std::str::from_utf8(frames).map_err(io::Error::other)?;
    let place = visitor.server.place(&visitor.host);
    let request = opening::post(place, visitor.credentials(), session, frames);
    let mut channel = visitor.server.connect()?;
    say(&mut channel, request.as_bytes())?;
    let answer = read(&mut channel)?;
    channel.say_end();
    let mut room = ROOM;
    match Head::read(&answer, &mut room) {
        Ok(Some(head)) if head.status == 204 => Ok(None),
        Ok(Some(head)) => Ok(Some(String::from_utf8_lossy(&answer[head.length..]).into_owned())),
        Ok(None) | Err(_) => Err(io::Error::other("no answer to a frame")),
    }
}

/// What the server answers, as far as it is looked at. A proxy may keep the connection.
fn read(channel: &mut impl Read) -> io::Result<Vec<u8>> {
    let (begun, mut answer) = (Instant::now(), Vec::new());
    let mut scratch = [0; SCRATCH_BYTES];
    while answer.len() < LONGEST_ANSWER && begun.elapsed() < WITHIN && !is_whole(&answer) {
        match channel.read(&mut scratch) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&scratch[..length]),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
    Ok(answer)
}

fn is_whole(answer: &[u8]) -> bool {
    let mut room = ROOM;
    let Ok(Some(head)) = Head::read(answer, &mut room) else { return false };
    let length = head.text("content-length").and_then(|length| length.parse::<usize>().ok());
    let length = if head.status == 204 { Some(0) } else { length };
    length.is_some_and(|length| answer.len() >= head.length.saturating_add(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_body() {
        for (answer, expected) in [
            ("HTTP/1.1 204 No Content\r\n\r\n", true),
            ("HTTP/1.1 204 No Content\r\n", false),
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{", false),
            ("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", true),
            ("HTTP/1.1 404 Not Found\r\n\r\n{}", false),
        ] {
            assert_eq!(is_whole(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn what_comes_in_pieces_is_read_to_its_end() {
        let whole = b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}";
        let mut pieces = whole[..9].chain(&whole[9..]).chain(&b"HTTP/1.1 400"[..]);
        assert_eq!(read(&mut pieces).expect("read"), whole);
        assert_eq!(read(&mut &whole[..9]).expect("cut short"), whole[..9]);
    }
}
