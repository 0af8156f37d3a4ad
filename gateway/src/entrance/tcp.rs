//! The TCP transport's handshake: the first line is a `connect` frame.

use bytes::BytesMut;
use protocol::{
    CloseReason, Transport,
    client_frame::{ClientFrame, Connect},
};

use super::handshake::{Doorway, Refused, Unidentified};
use crate::{
    access::auth::Credentials,
    session::{Cursors, Runner},
    tls::Socket,
    transports::tcp::next_line,
};

/// The most bytes of the first line, and of what stands in front of it: room for a token of some size.
pub(super) const MAX_FIRST_BYTES: usize = 16 * 1024;

/// The `connect` frame that `words` begin with, and how many bytes it took with the empty lines in
/// front of it, which are nothing; none while it is incomplete. `limit` is that of any frame.
///
/// # Errors
/// The first line is something else, or too long: more bytes would not change that.
pub fn first_frame(words: &[u8], limit: usize) -> Result<Option<(Connect, usize)>, CloseReason> {
    let searched = &words[..words.len().min(MAX_FIRST_BYTES)];
    let mut used = 0;
    while let Some((line, taken)) = next_line(&searched[used..], limit)? {
        used += taken;
        if !line.is_empty() {
            return connect(line).map(|connect| Some((connect, used)));
        }
    }
    match searched.len() < MAX_FIRST_BYTES {
        true => Ok(None),
        false => Err(CloseReason::FrameTooLarge),
    }
}

/// The `connect` frame that a first frame has to be.
///
/// # Errors
/// It is another one.
pub(super) fn connect(line: &[u8]) -> Result<Connect, CloseReason> {
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
    socket: Socket,
    read: BytesMut,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let (transport, greeting) = (Transport::Tcp, Vec::new());
    let Connect { token, user, device, after } = connect;
    let (socket, after) = (Some(socket), Cursors::new(after));
    let client = Unidentified { socket, seat, transport, read, greeting, after };
    let (token, user, device) = (token.as_deref(), user.as_deref(), device.as_deref());
    client.identify(doorway, Credentials { token, user, device })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_line_says_who_connects() {
        let connect = || Connect { user: Some("u".into()), ..Connect::default() };
        let line = r#"{"type":"connect","user":"u"}"#;
        let empty = "\n".repeat(MAX_FIRST_BYTES - line.len() - 1);
        for (text, expected) in [
            (format!("{line}\nrest"), Ok(Some((connect(), 30)))),
            (format!("\n\r\n{line}\r\n"), Ok(Some((connect(), 34)))),
            (format!("{empty}{line}\n"), Ok(Some((connect(), MAX_FIRST_BYTES)))),
            (format!("{empty}\n{line}\n"), Err(CloseReason::FrameTooLarge)),
            (line.to_owned(), Ok(None)),
            ("\n\r\n\n".to_owned(), Ok(None)),
            ("\n{}\n".to_owned(), Err(CloseReason::InvalidFrame)),
            ("{\"type\":\"ping\"}\n".to_owned(), Err(CloseReason::InvalidFrame)),
            (" \n".to_owned(), Err(CloseReason::InvalidFrame)),
            ("x".repeat(MAX_FIRST_BYTES - 1), Ok(None)),
            ("x".repeat(MAX_FIRST_BYTES), Err(CloseReason::FrameTooLarge)),
        ] {
            assert_eq!(first_frame(text.as_bytes(), 1 << 20), expected, "{text:.99}");
        }
        let short = first_frame(b"{\"type\":\"connect\"}\n", 10);
        assert_eq!(short, Err(CloseReason::FrameTooLarge));
    }

    proptest! {
        #[test]
        fn pieces_say_the_same_as_the_whole(
            text in "(\n|\r\n|\\{\"type\":\"connect\"\\}\n|\\{\\}|x{0,20}){0,6}", step in 1_usize..9
        ) {
            let whole = first_frame(text.as_bytes(), 20);
            let ends = (0..text.len() + step).step_by(step).map(|end| end.min(text.len()));
            let mut in_pieces = ends.map(|end| first_frame(&text.as_bytes()[..end], 20));
            prop_assert_eq!(in_pieces.find(|it| *it != Ok(None)).unwrap_or(Ok(None)), whole);
        }
    }
}
