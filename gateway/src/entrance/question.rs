//! What a poll asks for.

use std::time::Duration;

use actix_web::web::Query;
use protocol::{SessionId, problem::Problem};
use serde::Deserialize;
use settings::units::{duration, show};

use crate::http::request::{Body, Request};

/// How long a request waits if it does not say.
const WAIT: Duration = Duration::from_secs(30);
/// The longest it may.
pub const LONGEST_WAIT: Duration = Duration::from_secs(90);

/// What a request asks for beside who it is.
#[derive(Deserialize)]
struct Parameters {
    session: Option<String>,
    seen: Option<String>,
    wait: Option<String>,
}

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Question {
    /// Of which session; none yet.
    pub session: Option<SessionId>,
    /// How many of its answers the client has.
    pub seen: u32,
    /// How long it waits for something new.
    pub wait: Duration,
}

/// Checks that a request can be a poll.
///
/// # Errors
/// The problem to answer with.
pub(super) fn check(request: &Request<'_>) -> Result<(), Problem> {
    match request.body {
        Body::None => Ok(()),
        _ => Err(Problem::new(400, "Bad Request", "a poll has no body")),
    }
}

/// Reads it.
///
/// # Errors
/// Names the parameter and what would be right.
pub fn question(request: &Request<'_>) -> Result<Question, Problem> {
    let bad = |detail: String| Problem::new(400, "Bad Request", detail);
    let Ok(Query(Parameters { session, seen, wait })) = Query::from_query(request.query) else {
        return Err(bad("the query cannot be read: give session, seen and wait once each".into()));
    };
    let wait = match wait.map(|text| duration(&text)) {
        None => WAIT,
        Some(Ok(wait)) if wait <= LONGEST_WAIT => wait,
        Some(Ok(wait)) => {
            let (wait, most) = (show(wait), show(LONGEST_WAIT));
            return Err(bad(format!("?wait={wait} is too long: give at most {most}")));
        }
        Some(Err(why)) => return Err(bad(format!("?wait=: {why}"))),
    };
    let Some(session) = session else { return Ok(Question { session: None, seen: 0, wait }) };
    let Ok(session) = session.parse() else {
        return Err(no_session_id());
    };
    match seen.map(|seen| seen.parse()) {
        Some(Ok(seen)) => Ok(Question { session: Some(session), seen, wait }),
        Some(Err(_)) => Err(bad("?seen= has to be the number that the last answer said".into())),
        None => Err(bad("?seen= is missing: give the number that the last answer said".into())),
    }
}

/// A request names its session by something else than an id.
pub(super) fn no_session_id() -> Problem {
    let detail = "?session= has to be the session's id, as its hello says it";
    Problem::new(400, "Bad Request", detail)
}

/// Whether the connection is for a next request, too (RFC 9112 section 9.3).
pub(super) fn goes_on(request: &Request<'_>) -> bool {
    let closes = request.list("connection").any(|option| option.eq_ignore_ascii_case("close"));
    !request.is_http_1_0 && !closes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Question, (u16, String)> {
        let text = format!("GET /v1/poll{query} HTTP/1.1\r\nHost: h\r\n\r\n");
        let (request, _) = Request::read(text.as_bytes()).unwrap().unwrap();
        question(&request).map_err(|problem| (problem.status, problem.detail))
    }

    #[test]
    fn a_poll_says_what_it_has_seen_and_how_long_it_waits() {
        let question =
            |session, seen, wait| Ok(Question { session, seen, wait: Duration::from_secs(wait) });
        assert_eq!(asked(""), question(None, 0, 30));
        assert_eq!(asked("?token=t"), question(None, 0, 30));
        let session = Some(SessionId(0xab));
        assert_eq!(asked("?session=00000000000000ab&seen=7"), question(session, 7, 30));
        assert_eq!(asked("?seen=1&session=ab&wait=1m%2030s"), question(session, 1, 90));
        assert_eq!(asked("?seen=1&session=ab&wait=0"), question(session, 1, 0));
        for (query, named) in [
            ("?session=xyz&seen=1", "?session="),
            ("?session=ab", "?seen="),
            ("?session=ab&seen=-1", "?seen="),
            ("?session=ab&seen=1&wait=91s", "1m 30s"),
            ("?session=ab&seen=1&wait=soon", "?wait="),
            ("?session=ab&seen=1&seen=2", "once"),
        ] {
            let (status, detail) = asked(query).unwrap_err();
            assert!(status == 400 && detail.contains(named), "{query}: {detail}");
        }
    }

    #[test]
    fn a_connection_goes_on_unless_its_client_says_otherwise() {
        for (version, fields, expected) in [
            ("1.1", "", true),
            ("1.1", "Connection: keep-alive\r\n", true),
            ("1.1", "Connection: x, Close\r\n", false),
            ("1.0", "", false),
        ] {
            let text = format!("GET /v1/poll HTTP/{version}\r\nHost: h\r\n{fields}\r\n");
            let (request, _) = Request::read(text.as_bytes()).unwrap().unwrap();
            assert_eq!(goes_on(&request), expected, "{version} {fields}");
        }
    }
}
