//! The connection of a persistent session, and what its server says on it.

use std::io;

use client::{Effect, Kind, Rules, Session, State};

use crate::session::{failure::Failure, stream::Stream};

/// A session and what it is on.
pub(super) struct Connection {
    pub(super) stream: Stream,
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
        if !self.stream.is_connected()? {
            return Ok(heard);
        }
        if self.session.state() == State::Connecting {
            self.stream.say(opening.as_bytes())?;
            self.session.on_connected(rules, &mut |effect| heard.add(effect));
        }
        self.stream.flush()?;
        let mut said = Vec::new();
        while heard.ended.is_none() {
            match self.stream.receive(&mut said) {
                Ok(0) => heard.ended = Some(Failure::Eof(self.session.state())),
                Ok(_) if said.is_empty() => {}
                Ok(_) => {
                    self.session.on_bytes(&said, rules, &mut |effect| heard.add(effect));
                    said.clear();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if heard.ended.is_none() {
            self.stream.say(&heard.replies)?;
            self.stream.flush()?;
        }
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
