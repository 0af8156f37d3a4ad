//! The opening handshake of a WebSocket (RFC 6455 section 4), the client's half.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::response::{Head, ROOM};

/// The GUID that section 1.3 adds to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A key and the answer it asks for. One may serve many sessions: the key only guards against
/// caches.
#[derive(Debug)]
pub struct Key {
    /// The value of `Sec-WebSocket-Key`.
    pub key: String,
    /// The value of `Sec-WebSocket-Accept` that proves the server speaks WebSocket.
    pub accept: String,
}

impl Key {
    /// The key made of 16 bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        let key = STANDARD.encode(bytes);
        let mut hash = sha1_smol::Sha1::new();
        hash.update(key.as_bytes());
        hash.update(GUID.as_bytes());
        Self { accept: STANDARD.encode(hash.digest().bytes()), key }
    }
}

/// What the server said to the upgrade.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Upgraded; frames begin after this many bytes.
    Upgraded(usize),
    /// Another status than 101.
    Refused(u16),
}

/// Reads the answer at the start of `bytes`; `None` if more bytes are needed.
///
/// # Errors
/// Names what is wrong with it.
pub fn answer(bytes: &[u8], accept: &str) -> Result<Option<Answer>, &'static str> {
    let mut room = ROOM;
    let Some(head) = Head::read(bytes, &mut room)? else { return Ok(None) };
    if head.status != 101 {
        return Ok(Some(Answer::Refused(head.status)));
    }
    match head.value("sec-websocket-accept") == Some(accept.as_bytes()) {
        true => Ok(Some(Answer::Upgraded(head.length))),
        false => Err("a wrong Sec-WebSocket-Accept"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    #[test]
    fn the_key_of_the_rfc_has_the_accept_of_the_rfc() {
        assert_eq!(Key::new(*b"the sample nonce").accept, ACCEPT);
    }

    #[test]
    fn answers_are_told_apart() {
        let good = format!("HTTP/1.1 101 Switching\r\nsec-websocket-accept: {ACCEPT}\r\n\r\n");
        let cases = [
            (good.as_str(), Ok(Some(Answer::Upgraded(good.len())))),
            (&good[..good.len() - 1], Ok(None)),
            ("HTTP/1.1 503 Busy\r\nretry-after: 1\r\n\r\n", Ok(Some(Answer::Refused(503)))),
            ("HTTP/1.1 101 Yes\r\n\r\n", Err("a wrong Sec-WebSocket-Accept")),
            ("SSH-2.0-OpenSSH\r\n\r\n", Err("a response that is not HTTP")),
        ];
        for (text, expected) in cases {
            assert_eq!(answer(text.as_bytes(), ACCEPT), expected, "{text}");
        }
    }
}
