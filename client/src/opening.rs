//! The first bytes of a session: the upgrade request or the `connect` line, with its credentials.

use std::{fmt::Write, time::Duration};

use protocol::{SessionId, Transport};
use serde::Serialize;

use crate::handshake::Key;

/// The path of a gateway's WebSockets.
const WEBSOCKET_PATH: &str = "/v1/ws";
/// The path of a gateway's streams of events.
const EVENTS_PATH: &str = "/v1/sse";
/// The path of a gateway's long polls.
const POLL_PATH: &str = "/v1/poll";
/// What tells such a path from those of streams.
const POLL_ENDING: &str = "/poll";
/// Where frames are posted, if that does not follow from where the session is.
const FRAMES_BASE: &str = "/v1";

/// How frames travel to a URL of this scheme and path, and the path itself, which need not be given;
/// nothing for a scheme that clients here do not speak. Over HTTP a path that ends in `/poll` is one of long
/// polls, any other one of events.
pub fn means<'a>(scheme: &str, path: &'a str) -> Option<(Transport, &'a str)> {
    let or = |default| if path.is_empty() { default } else { path };
    let is_poll = path.split('?').next().is_some_and(|path| path.ends_with(POLL_ENDING));
    Some(match scheme {
        "ws" => (Transport::WebSocket, or(WEBSOCKET_PATH)),
        "tcp" => (Transport::Tcp, ""),
        "http" if is_poll => (Transport::Poll, path),
        "poll" => (Transport::Poll, or(POLL_PATH)),
        "http" | "sse" => (Transport::Sse, or(EVENTS_PATH)),
        _ => return None,
    })
}

/// The scheme of the same inside TLS, without it; nothing for one that is not inside TLS.
pub fn inside_tls(scheme: &str) -> Option<&'static str> {
    Some(match scheme {
        "wss" => "ws",
        "https" => "http",
        "tcps" => "tcp",
        _ => return None,
    })
}

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
    /// The name of the device, where the token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<&'a str>,
    /// The newest cursors that the client has of what is kept.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub after: &'a [String],
}

impl<'a> Credentials<'a> {
    /// The token, or else the user id.
    pub fn new(token: Option<&'a str>, user: Option<&'a str>) -> Self {
        let (user, device, after) = (user.filter(|_| token.is_none()), None, &[][..]);
        Self { token, user, device, after }
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
            request("GET", place, who, &upgrade)
        }
        Transport::Sse => request("GET", place, who, "Accept: text/event-stream\r\n"),
        Transport::Poll => request("GET", place, who, ""),
        Transport::Tcp => serde_json::to_string(&who).unwrap_or_default() + "\n",
    }
}

/// The request of a long poll that asks a session, of which so many answers have been seen, for what is new
/// and waits so long for it.
pub fn poll(
    place: Place<'_>,
    who: Credentials<'_>,
    session: SessionId,
    seen: u32,
    wait: Duration,
) -> String {
    let joint = if place.path.contains('?') { '&' } else { '?' };
    let wait = wait.as_millis();
    let path = format!("{}{joint}session={session}&seen={seen}&wait={wait}ms", place.path);
    request("GET", Place { path: &path, ..place }, Credentials { after: &[], ..who }, "")
}

/// The request that posts frames of a session whose own connection has no way up.
pub fn post(place: Place<'_>, who: Credentials<'_>, session: SessionId, frames: &str) -> String {
    let path = format!("{}?session={session}", frames_path(place.path));
    let length = frames.len();
    let fields = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
    let who = Credentials { after: &[], ..who };
    request("POST", Place { path: &path, ..place }, who, &fields) + frames
}

/// Where frames of the sessions are posted that are opened at this path: beside it.
pub fn frames_path(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let base = path.strip_suffix("/sse").or(path.strip_suffix(POLL_ENDING)).unwrap_or(FRAMES_BASE);
    format!("{base}/frames")
}

fn request(method: &str, place: Place<'_>, who: Credentials<'_>, fields: &str) -> String {
    let Place { host, port, path, .. } = place;
    let mut request = format!("{method} {path}");
    let mut joint = if path.contains('?') { '&' } else { '?' };
    let parameters = [("user", who.user), ("device", who.device)].into_iter();
    let parameters = parameters.filter_map(|(name, value)| Some((name, value?)));
    let after = who.after.iter().map(|cursor| ("after", cursor.as_str()));
    for (name, value) in parameters.chain(after) {
        let _ = write!(request, "{joint}{name}=");
        percent_encode(value, &mut request);
        joint = '&';
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
    fn urls_say_how_frames_travel() {
        let cases = [
            (("ws", ""), (Transport::WebSocket, "/v1/ws")),
            (("ws", "/x"), (Transport::WebSocket, "/x")),
            (("tcp", "/x"), (Transport::Tcp, "")),
            (("http", ""), (Transport::Sse, "/v1/sse")),
            (("sse", "/sub/x"), (Transport::Sse, "/sub/x")),
            (("http", "/v1/poll"), (Transport::Poll, "/v1/poll")),
            (("http", "/a/poll?x=/1"), (Transport::Poll, "/a/poll?x=/1")),
            (("poll", ""), (Transport::Poll, "/v1/poll")),
        ];
        for ((scheme, path), expected) in cases {
            assert_eq!(means(scheme, path), Some(expected), "{scheme}, {path}");
        }
        assert_eq!(means("gopher", ""), None);
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
    fn a_client_comes_back_with_what_it_has() {
        let after = ["A-1".to_owned(), "B_2".to_owned()];
        let who =
            Credentials { device: Some("d"), after: &after, ..Credentials::new(None, Some("u")) };
        let request = opening(Transport::Sse, "/v1/sse", who);
        let query = "GET /v1/sse?user=u&device=d&after=A-1&after=B_2 HTTP/1.1";
        assert!(request.starts_with(query), "{request}");
        let line = opening(Transport::Tcp, "", who);
        let expected = r#"{"type":"connect","user":"u","device":"d","after":["A-1","B_2"]}"#;
        assert_eq!(line, format!("{expected}\n"));
        let place = Place { transport: Transport::Poll, host: "h", port: 1, path: "/v1/poll" };
        let next = poll(place, who, SessionId(1), 7, Duration::ZERO);
        assert!(next.contains("device=d") && !next.contains("after"), "{next}");
    }

    #[test]
    fn frames_are_posted_beside_where_the_session_is() {
        let place = Place { transport: Transport::Sse, host: "h", port: 1, path: "/a/sse?x=1" };
        let who = Credentials::new(None, Some("u"));
        let request = post(place, who, SessionId(255), "{}\n");
        assert_eq!(
            request,
            "POST /a/frames?session=00000000000000ff&user=u HTTP/1.1\r\nHost: h:1\r\n\
             Content-Type: application/json\r\nContent-Length: 3\r\n\r\n{}\n"
        );
        assert_eq!(frames_path("/sub"), "/v1/frames");
        assert_eq!(frames_path("/a/poll"), "/a/frames");
    }

    #[test]
    fn polls_say_what_was_seen() {
        let who = Credentials::new(Some("t"), None);
        for (path, expected) in [("/v1/poll", "/v1/poll?"), ("/a/poll?x=1", "/a/poll?x=1&")] {
            let place = Place { transport: Transport::Poll, host: "h", port: 1, path };
            let first = bytes(place, who, &Key::new([0; 16]));
            let rest = "HTTP/1.1\r\nHost: h:1\r\nAuthorization: Bearer t\r\n\r\n";
            assert_eq!(first, format!("GET {path} {rest}"));
            let next = poll(place, who, SessionId(255), 7, Duration::from_millis(1500));
            let query = "session=00000000000000ff&seen=7&wait=1500ms";
            assert_eq!(next, format!("GET {expected}{query} {rest}"));
        }
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
