//! The handshake: no tokens, no choices.

use base64::{Engine, engine::general_purpose::STANDARD};
use memchr::memmem;

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The 101 for a request, if it is an upgrade.
pub(crate) fn upgrade(request: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"Sec-WebSocket-Key: ";
    request.ends_with(b"\r\n\r\n").then_some(())?;
    let key = &request[memmem::find(request, NAME)? + NAME.len()..];
    let mut hash = sha1_smol::Sha1::new();
    hash.update(&key[..memchr::memchr(b'\r', key)?]);
    hash.update(GUID);
    let accept = STANDARD.encode(hash.digest().bytes());
    Some(format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_rfc_is_answered() {
        let head = "GET / HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        let answer = upgrade(format!("{head}\r\n").as_bytes()).unwrap();
        assert!(answer.contains("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
        assert_eq!(upgrade(head.as_bytes()), None, "not whole");
        assert_eq!(upgrade(b"GET / HTTP/1.1\r\n\r\n"), None, "no key");
    }
}
