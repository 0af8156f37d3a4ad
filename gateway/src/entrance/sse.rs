//! The HTTP request that is answered with events (WHATWG HTML, section 9.2).

use std::{io::Write, net::TcpStream, ops::RangeInclusive, time::Duration};

use bytes::BytesMut;
use protocol::{Transport, client_frame::Connect, problem::Problem};
use rustix::net::sockopt::set_tcp_user_timeout;

use super::{
    handshake::{Doorway, Refused, Unidentified},
    origins,
    shown::Shown,
    tcp,
};
use crate::{
    access::auth::Credentials,
    http::{
        refused::let_read,
        request::{Body, Request},
    },
    session::{Cursors, Runner},
    tls::Socket,
    transports::sse::END_ID,
};

/// The most bytes of a body: room for a token of some size.
const MAX_BODY_BYTES: u64 = 16 * 1024;
/// How long a client waits before it comes back when the connection was cut, in milliseconds. Each its own
/// time, so that they do not all come at once.
const RETRY_MS: RangeInclusive<u32> = 1000..=5000;

/// Checks that a request can be answered with events.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(request: &Request<'_>) -> Result<(), Problem> {
    match (request.method, request.body) {
        ("GET", Body::None) | ("POST", Body::None) => Ok(()),
        ("POST", Body::Sized(bytes)) if bytes <= MAX_BODY_BYTES => Ok(()),
        ("POST", Body::Sized(bytes)) => {
            let detail = format!("the body has {bytes} bytes, at most {MAX_BODY_BYTES} are taken");
            Err(Problem::new(413, "Content Too Large", detail))
        }
        ("POST", Body::Chunked) => {
            let detail = "give Content-Length: the body is a connect frame, which is short";
            Err(Problem::new(411, "Length Required", detail))
        }
        _ => Err(Problem::new(400, "Bad Request", "a GET for events has no body")),
    }
}

/// Whether the client's stream has ended for good: it was told so by its last id, and a browser comes back
/// all the same.
pub(super) fn has_ended(request: &Request<'_>) -> bool {
    request.field("last-event-id") == Some(END_ID)
}

/// The `connect` frame in a body; an empty body says nothing.
///
/// # Errors
/// It is something else.
pub(super) fn connect(body: &[u8]) -> Result<Connect, Problem> {
    if body.trim_ascii().is_empty() {
        return Ok(Connect::default());
    }
    tcp::connect(body).map_err(|_| {
        let detail = r#"the body is no connect frame: {"type":"connect","token":"…"}"#;
        Problem::new(400, "Bad Request", detail)
    })
}

/// Turns the connection in a seat into a session.
///
/// # Errors
/// Hands the connection back with the reason.
pub(super) fn join(
    doorway: &Doorway,
    request: &Request<'_>,
    (shown, connect): (&Shown<'_>, &Connect),
    socket: Socket,
    seat: u32,
) -> Result<Runner, Box<Refused>> {
    let settings = &doorway.seats.local.settings;
    let greeting = beginning(origins::reader(settings, request));
    let read = BytesMut::new();
    let checked = origins::check(settings, request, &socket.stream);
    notice_cuts(&socket.stream, settings.ping_interval);
    let socket = Some(socket);
    let after = match connect.after.is_empty() {
        true => shown.after(),
        false => Cursors::new(&connect.after),
    };
    let client = Unidentified { socket, seat, transport: Transport::Sse, read, greeting, after };
    if let Err(foreign) = checked {
        return Err(client.refuse(doorway, foreign.into()));
    }
    let head = shown.credentials();
    let token = head.token.or(connect.token.as_deref());
    let user = head.user.or(connect.user.as_deref());
    let device = head.device.or(connect.device.as_deref());
    client.identify(doorway, Credentials { token, user, device })
}

/// Has the kernel give up a connection on which nothing of what was sent has arrived for an interval (tcp(7),
/// `TCP_USER_TIMEOUT`): a client that need not answer shows itself by that alone.
pub(super) fn notice_cuts(socket: &TcpStream, interval: Duration) {
    let millis = u32::try_from(interval.as_millis()).unwrap_or(u32::MAX);
    // Without it the kernel notices later.
    let _ = set_tcp_user_timeout(socket, millis);
}

/// The head of the answer and the beginning of its first event.
pub(super) fn beginning(reader: Option<&str>) -> Vec<u8> {
    let mut head = Vec::with_capacity(256);
    head.extend_from_slice(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\
          x-accel-buffering: no\r\nconnection: close\r\n",
    );
    let_read(reader, &mut head);
    let _ = write!(head, "\r\nretry: {}\n\ndata: ", fastrand::u32(RETRY_MS));
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_begins_with_a_pause_of_its_own() {
        let text = String::from_utf8(beginning(Some("https://a"))).unwrap();
        let (head, begun) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("\r\ncontent-type: text/event-stream\r\n"), "{head}");
        assert!(head.ends_with("access-control-allow-origin: https://a\r\nvary: origin"), "{head}");
        let retry = begun.strip_prefix("retry: ").and_then(|it| it.strip_suffix("\n\ndata: "));
        assert!(RETRY_MS.contains(&retry.unwrap().parse().unwrap()), "{begun}");
        assert!(!String::from_utf8(beginning(None)).unwrap().contains("access-control"));
    }

    #[test]
    fn a_body_is_a_connect_frame_or_nothing() {
        let token = Connect { token: Some("t".into()), ..Connect::default() };
        assert_eq!(connect(br#"{"type":"connect","token":"t"}"#), Ok(token));
        assert_eq!(connect(b" \n"), Ok(Connect::default()));
        for other in [&b"{}"[..], br#"{"type":"ping"}"#, b"token=t"] {
            assert_eq!(connect(other).map_err(|it| it.status), Err(400));
        }
    }
}
