//! The first bytes of a session: the upgrade request or the `connect` line, with its credentials.

use std::fmt::Write;

use protocol::Transport;
use serde::Serialize;

use crate::handshake::Key;

/// The path of a gateway's WebSockets.
pub const WEBSOCKET_PATH: &str = "/v1/ws";
/// The path of a gateway's streams of events.
pub const EVENTS_PATH: &str = "/v1/sse";

/// Where a session is opened.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// How frames travel.
    pub transport: Transport,
    /// The server as it is called in requests, with brackets around an IPv6 address.
    pub host: &'a str,
    /// Its port.
    pub port: u16,
    /// The path of the upgrade, and perhaps a query; of no account over TCP.
    pub path: &'a str,
}

/// Who asks. A token goes before a user id, which stands in for one in development.
#[derive(Clone, Copy, Serialize)]
#[serde(tag = "type", rename = "connect")]
pub struct Credentials<'a> {
    /// A signed token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
    /// A user id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// The token, or else the user id.
    pub fn new(token: Option<&'a str>, user: Option<&'a str>) -> Self {
        Self { token, user: user.filter(|_| token.is_none()) }
    }
}

/// The opening bytes of one session.
pub fn bytes(place: Place<'_>, who: Credentials<'_>, key: &Key) -> String {
    match place.transport {
        Transport::WebSocket => {
            let upgrade = format!(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: {}\r\n",
                key.key
            );
            request(place, who, &upgrade)
        }
        Transport::Sse => request(place, who, "Accept: text/event-stream\r\n"),
        Transport::Poll => request(place, who, ""),
        Transport::Tcp => serde_json::to_string(&who).unwrap_or_default() + "\n",
    }
}

fn request(place: Place<'_>, who: Credentials<'_>, fields: &str) -> String {
    let Place { host, port, path, .. } = place;
    let mut request = format!("GET {path}");
    if let Some(user) = who.user {
        request.push_str(if path.contains('?') { "&user=" } else { "?user=" });
        percent_encode(user, &mut request);
    }
    let _ = write!(request, " HTTP/1.1\r\nHost: {host}:{port}\r\n{fields}");
    if let Some(token) = who.token {
        let _ = write!(request, "Authorization: Bearer {token}\r\n");
    }
    request.push_str("\r\n");
    request
}

/// Everything but RFC 3986's unreserved characters, encoded.
pub fn percent_encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(transport: Transport, path: &str, who: Credentials<'_>) -> String {
        bytes(Place { transport, host: "h", port: 1, path }, who, &Key::new([0; 16]))
    }

    #[test]
    fn users_stand_in_for_tokens_in_development() {
        let who = Credentials::new(None, Some("ä 7"));
        let request = opening(Transport::WebSocket, "/v1/ws", who);
        assert!(request.starts_with("GET /v1/ws?user=%C3%A4%207 HTTP/1.1\r\nHost: h:1\r\n"));
        assert!(request.ends_with("\r\n\r\n") && !request.contains("Authorization"));
        let request = opening(Transport::WebSocket, "/x?y=1", who);
        assert!(request.starts_with("GET /x?y=1&user=%C3%A4%207 HTTP/1.1\r\n"), "{request}");
        let line = opening(Transport::Tcp, "", who);
        assert_eq!(line, "{\"type\":\"connect\",\"user\":\"ä 7\"}\n");
    }

    #[test]
    fn a_token_is_enough() {
        let who = Credentials::new(Some("t"), Some("u"));
        let request = opening(Transport::WebSocket, "/v1/ws", who);
        assert!(request.starts_with("GET /v1/ws HTTP/1.1\r\n"), "{request}");
        assert!(request.ends_with("\r\nAuthorization: Bearer t\r\n\r\n"), "{request}");
        let request = opening(Transport::Sse, "/v1/sse", who);
        assert!(request.starts_with("GET /v1/sse HTTP/1.1\r\nHost: h:1\r\nAccept: "), "{request}");
        assert!(request.ends_with("\r\nAuthorization: Bearer t\r\n\r\n"), "{request}");
        let line = opening(Transport::Tcp, "", who);
        assert_eq!(line, "{\"type\":\"connect\",\"token\":\"t\"}\n");
    }
}
