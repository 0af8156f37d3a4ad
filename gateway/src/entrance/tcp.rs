//! The TCP transport's handshake: the first line is a `connect` frame.

use std::net::TcpStream;

use bytes::{Buf, BytesMut};
use protocol::{
    CloseReason, Transport,
    client_frame::{ClientFrame, Connect},
};

use super::handshake::{Doorway, Refused, Unidentified};
use crate::{access::auth::Credentials, session::Runner, transports::tcp::next_line};

/// The most bytes of the first line: room for a token of some size.
const MAX_LINE_BYTES: usize = 16 * 1024;

/// The `connect` frame, which is taken off `words` with what stands in front of it; nothing while it
/// is incomplete. `limit` is that of any frame.
///
/// # Errors
/// The first line is something else, or too long: more bytes would not change that.
pub fn first_frame(words: &mut BytesMut, limit: usize) -> Result<Option<Connect>, CloseReason> {
    let limit = limit.min(MAX_LINE_BYTES);
    let mut skipped = false;
    loop {
        let (connect, used) = match next_line(words, limit)? {
            // Nothing was said.
            Some((b"", used)) => (None, used),
            Some((line, used)) => (Some(connect(line)?), used),
            None => {
                // The memory of what was skipped goes, too.
                if skipped {
                    *words = BytesMut::from(&words[..]);
                }
                return Ok(None);
            }
        };
        words.advance(used);
        if connect.is_some() {
            return Ok(connect);
        }
        skipped = true;
    }
}

fn connect(line: &[u8]) -> Result<Connect, CloseReason> {
    match ClientFrame::parse(line) {
        Ok(ClientFrame::Connect(connect)) => Ok(connect),
        _ => Err(CloseReason::InvalidFrame),
    }
}

/// Turns the connection in a seat into a session. `read` came behind the first line.
///
/// # Errors
/// Hands the connection back with the reason.
pub(super) fn join(
    doorway: &Doorway,
    connect: &Connect,
    socket: TcpStream,
    read: BytesMut,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let (transport, greeting) = (Transport::Tcp, Vec::new());
    let client = Unidentified { socket, seat, transport, read, greeting };
    let Connect { token, user, device, .. } = connect;
    let (token, user, device) = (token.as_deref(), user.as_deref(), device.as_deref());
    client.identify(doorway, Credentials { token, user, device })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(text: &[u8], limit: usize) -> (Result<Option<Connect>, CloseReason>, Vec<u8>) {
        let mut words = BytesMut::from(text);
        (first_frame(&mut words, limit), words.to_vec())
    }

    #[test]
    fn the_first_line_says_who_connects() {
        let connect = || Ok(Some(Connect { user: Some("u".into()), ..Connect::default() }));
        let line = r#"{"type":"connect","user":"u"}"#;
        let long = "x".repeat(MAX_LINE_BYTES + 2);
        for (text, expected, rest) in [
            (format!("{line}\nrest"), connect(), "rest"),
            (format!("\n\r\n{line}\r\n"), connect(), ""),
            (line.to_owned(), Ok(None), line),
            ("\n\r\n\n".to_owned(), Ok(None), ""),
            ("\n{}\n".to_owned(), Err(CloseReason::InvalidFrame), "{}\n"),
            (
                "{\"type\":\"ping\"}\n".to_owned(),
                Err(CloseReason::InvalidFrame),
                "{\"type\":\"ping\"}\n",
            ),
            (" \n".to_owned(), Err(CloseReason::InvalidFrame), " \n"),
            (long.clone(), Err(CloseReason::FrameTooLarge), &long),
        ] {
            assert_eq!(first(text.as_bytes(), 1 << 20), (expected, rest.into()), "{text:.99}");
        }
        let (found, _) = first(b"{\"type\":\"connect\"}\n", 10);
        assert_eq!(found, Err(CloseReason::FrameTooLarge));
    }

    #[test]
    fn empty_lines_keep_no_memory() {
        let mut words = BytesMut::from(&[b'\n'; 60_000][..]);
        assert_eq!(first_frame(&mut words, 1 << 20), Ok(None));
        assert_eq!(words.capacity(), 0);
    }

    proptest! {
        #[test]
        fn pieces_say_the_same_as_the_whole(
            text in "(\n|\r\n|\\{\"type\":\"connect\"\\}\n|\\{\\}|x{0,20}){0,6}", step in 1_usize..9
        ) {
            let whole = first(text.as_bytes(), 20);
            let mut words = BytesMut::new();
            let mut chunks = text.as_bytes().chunks(step);
            let in_pieces = loop {
                let Some(chunk) = chunks.next() else { break Ok(None) };
                words.extend_from_slice(chunk);
                match first_frame(&mut words, 20) {
                    Ok(None) => {}
                    decided => break decided,
                }
            };
            chunks.for_each(|chunk| words.extend_from_slice(chunk));
            prop_assert_eq!((in_pieces, words.to_vec()), whole);
        }
    }
}
