//! The connection of a persistent session, and what its server says on it.

use std::io::{self, Read, Write};

use client::{Effect, Kind, Rules, Session, State};
use mio::net::TcpStream;

use crate::session::failure::Failure;

/// A session and its socket.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) session: Session,
}

/// What the server's bytes amount to.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) held: bool,
    pub(super) numbers: Vec<u64>,
    pub(super) refused: bool,
    pub(super) ended: Option<Failure>,
    replies: Vec<u8>,
}

impl Connection {
    /// Sends the opening bytes when it is time, and reads what is there.
    pub(super) fn hear(&mut self, opening: &str, rules: &Rules) -> io::Result<Heard> {
        let mut heard = Heard::default();
        if self.session.state() == State::Connecting {
            match self.stream.write_all(opening.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(heard),
                other => other?,
            }
            self.session.on_connected(rules, &mut |effect| heard.add(effect));
        }
        let mut chunk = [0; 4096];
        while heard.ended.is_none() {
            match self.stream.read(&mut chunk) {
                Ok(0) => heard.ended = Some(Failure::Eof(self.session.state())),
                Ok(length) => {
                    let bytes = &chunk[..length];
                    self.session.on_bytes(bytes, rules, &mut |effect| heard.add(effect));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        // A server that does not read its pongs will notice by itself.
        let _ = self.stream.write(&heard.replies);
        Ok(heard)
    }
}

impl Heard {
    fn add(&mut self, effect: Effect<'_>) {
        match effect {
            Effect::Held => self.held = true,
            Effect::Frame(Kind::Message, message) => self.numbers.extend(number(message)),
            Effect::Frame(Kind::Error, _) => self.refused = true,
            Effect::Frame(..) | Effect::Alive | Effect::Again(_) => {}
            Effect::Reply(bytes) => self.replies.extend(bytes),
            Effect::Ended(ending) => self.ended = Some(ending.into()),
        }
    }
}

/// The number of an echoed message.
fn number(message: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(message).ok()?;
    let digits = text.strip_prefix(r#"{"type":"echo","n":"#)?.strip_suffix('}')?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn echoes_are_told_by_their_number() {
        assert_eq!(number(br#"{"type":"echo","n":17}"#), Some(17));
        assert_eq!(number(br#"{"type":"push","n":17}"#), None);
    }
}
