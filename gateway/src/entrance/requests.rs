//! What requests of clients ask for.

use protocol::problem::Problem;

use super::{frames, leaving::LINGER_BYTES, question, routes, sse, websocket};
use crate::{
    http::request::{Body, Request},
    settings::Settings,
};

/// What a request asks for, where there is such a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// A session of WebSocket frames.
    WebSocket,
    /// A session of events.
    Sse,
    /// What is new in a session, or a session to ask that of.
    Poll,
    /// To say something to a session.
    Frames,
    /// Whether a page may ask for that (Fetch, section 3.3.2).
    Preflight,
    /// Nothing more: its stream has ended for good.
    Nothing,
}

/// Checks that the request asks for a session where there is one.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(settings: &Settings, request: &Request<'_>) -> Result<Asked, Problem> {
    if let Body::Sized(bytes) = request.body
        && bytes > LINGER_BYTES as u64
    {
        let detail = format!("nobody here takes a body of {bytes} bytes");
        return Err(Problem::new(413, "Content Too Large", detail));
    }
    if routes::methods(settings, request.path).is_none() {
        let detail = format!(
            "nothing is there; sessions are opened at {}, {} and {}",
            routes::WEBSOCKET,
            routes::EVENTS,
            routes::POLL
        );
        return Err(Problem::new(404, "Not Found", detail));
    }
    match (request.path, request.method) {
        (routes::EVENTS | routes::POLL | routes::FRAMES, "OPTIONS") => Ok(Asked::Preflight),
        (routes::POLL, "GET") => question::check(request).map(|()| Asked::Poll),
        (routes::FRAMES, "POST") => frames::check(request).map(|()| Asked::Frames),
        (routes::EVENTS, "GET" | "POST") if sse::has_ended(request) => Ok(Asked::Nothing),
        (routes::EVENTS, "GET" | "POST") => sse::check(request).map(|()| Asked::Sse),
        (routes::WEBSOCKET | routes::ECHO, "GET") => {
            websocket::check(request).map(|()| Asked::WebSocket)
        }
        (routes::WEBSOCKET | routes::ECHO, "HEAD") => Err(websocket::upgrade_required()),
        (_, method) => {
            let detail = format!("{method:.16} is no method of {}", request.path);
            Err(Problem::new(405, "Method Not Allowed", detail))
        }
    }
}

/// The label of the handshake metric for a request answered with this problem.
pub(super) fn result_of(problem: &Problem) -> &'static str {
    match problem.status {
        403 => "foreign",
        404 => "not_found",
        405 => "method_not_allowed",
        411 => "length_required",
        413 => "body_too_large",
        414 => "target_too_long",
        426 => "upgrade_required",
        431 => "head_too_large",
        _ => "bad_request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const VERSION: &str = "Sec-WebSocket-Version: 13\r\n";
    const UPGRADE: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n";

    /// The status that answers the request; 101 if it may become a session.
    fn status(line: &str, fields: &[&str]) -> u16 {
        let text = format!("{line}\r\nHost: h\r\n{}\r\n", fields.concat());
        let (request, _) = Request::read(text.as_bytes()).unwrap().unwrap();
        let checked = check(&settings(&["--echo"]), &request);
        checked.map_or_else(
            |problem| problem.status,
            |asked| match asked {
                Asked::WebSocket => 101,
                Asked::Sse | Asked::Poll => 200,
                Asked::Frames => 202,
                Asked::Preflight | Asked::Nothing => 204,
            },
        )
    }

    #[test]
    fn only_a_handshake_is_one() {
        let good = [UPGRADE, VERSION, KEY];
        let cases: [(&str, &[&str], u16); 21] = [
            ("GET /v1/ws HTTP/1.1", &good, 101),
            ("GET /v1/ws?user=u HTTP/1.1", &good, 101),
            ("GET http://h/v1/echo HTTP/1.1", &good, 101),
            ("GET /v1/nothing HTTP/1.1", &good, 404),
            ("GET /v1/ws/ HTTP/1.1", &good, 404),
            ("POST /v1/ws HTTP/1.1", &good, 405),
            ("HEAD /v1/ws HTTP/1.1", &good, 426),
            ("HEAD / HTTP/1.1", &[], 404),
            ("GET /v1/ws HTTP/1.0", &good, 400),
            ("GET /v1/ws HTTP/1.0", &[], 426),
            ("GET /v1/ws HTTP/1.1", &[], 426),
            ("GET /v1/ws HTTP/1.1", &["Upgrade: h2c\r\nConnection: upgrade\r\n"], 426),
            ("GET /v1/ws HTTP/1.1", &["Upgrade: websocket\r\n", VERSION, KEY], 400),
            ("GET /v1/ws HTTP/1.1", &[UPGRADE, KEY], 400),
            ("GET /v1/ws HTTP/1.1", &[UPGRADE, "Sec-WebSocket-Version: 8\r\n", KEY], 426),
            ("GET /v1/ws HTTP/1.1", &[UPGRADE, VERSION], 400),
            ("GET /v1/ws HTTP/1.1", &[UPGRADE, VERSION, KEY, KEY], 400),
            ("GET /v1/ws HTTP/1.1", &[UPGRADE, VERSION, "Sec-WebSocket-Key: c2hvcnQ=\r\n"], 400),
            ("GET /v1/ws HTTP/1.1", &[UPGRADE, VERSION, KEY, "Content-Length: 5\r\n"], 400),
            (
                "GET /v1/ws HTTP/1.1",
                &[UPGRADE, VERSION, KEY, "Transfer-Encoding: chunked\r\n"],
                400,
            ),
            ("POST / HTTP/1.1", &["Content-Length: 10000000000\r\n"], 413),
        ];
        for (line, fields, expected) in cases {
            assert_eq!(status(line, fields), expected, "{line} {fields:?}");
        }
        assert_eq!(
            status("GET /v1/ws HTTP/1.1", &[UPGRADE, VERSION, KEY, "Content-Length: 0\r\n"]),
            101
        );
        assert_eq!(status("POST /v1/ws HTTP/1.1", &["Content-Length: 5\r\n"]), 405);
    }

    #[test]
    fn what_transports_ask_for() {
        let cases: [(&str, &[&str], u16); 21] = [
            ("GET /v1/poll HTTP/1.1", &[], 200),
            ("GET /v1/poll HTTP/1.1", &["Content-Length: 5\r\n"], 400),
            ("POST /v1/poll HTTP/1.1", &[], 405),
            ("OPTIONS /v1/poll HTTP/1.1", &[], 204),
            ("GET /v1/sse HTTP/1.1", &[], 200),
            ("GET /v1/sse HTTP/1.0", &[], 200),
            ("GET /v1/sse?user=u HTTP/1.1", &["Accept: text/event-stream\r\n"], 200),
            ("GET /v1/sse HTTP/1.1", &["Content-Length: 5\r\n"], 400),
            ("POST /v1/sse HTTP/1.1", &["Content-Length: 5\r\n"], 200),
            ("POST /v1/sse HTTP/1.1", &["Content-Length: 16385\r\n"], 413),
            ("POST /v1/sse HTTP/1.1", &["Transfer-Encoding: chunked\r\n"], 411),
            ("GET /v1/sse HTTP/1.1", &["Last-Event-ID: end\r\n"], 204),
            ("OPTIONS /v1/sse HTTP/1.1", &["Access-Control-Request-Method: POST\r\n"], 204),
            ("HEAD /v1/sse HTTP/1.1", &[], 405),
            ("OPTIONS /v1/ws HTTP/1.1", &[], 405),
            ("POST /v1/frames?session=1 HTTP/1.1", &["Content-Length: 5\r\n"], 202),
            ("POST /v1/frames HTTP/1.1", &["Content-Length: 300000\r\n"], 413),
            ("POST /v1/frames HTTP/1.1", &[], 400),
            ("POST /v1/frames HTTP/1.1", &["Transfer-Encoding: chunked\r\n"], 411),
            ("OPTIONS /v1/frames HTTP/1.1", &[], 204),
            ("GET /v1/frames HTTP/1.1", &[], 405),
        ];
        for (line, fields, expected) in cases {
            assert_eq!(status(line, fields), expected, "{line} {fields:?}");
        }
    }
}
