//! Why a connection ended, and whether to come back.

use std::{borrow::Cow, io, time::Duration};

use client::{
    Ending,
    response::{Head, ROOM},
};
use protocol::CloseReason;
use serde::Deserialize;

/// What an error of a connection comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// For people.
    pub text: String,
    /// Whether it will be the same until somebody has changed something.
    pub is_lasting: bool,
}

/// Explains errors of connections.
pub(super) type Explain = fn(&io::Error) -> Explanation;

/// As rustls explains them: a certificate that is not believed stays so.
pub(super) fn explain(error: &io::Error) -> Explanation {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let is_lasting = matches!(inner, Some(rustls::Error::InvalidCertificate(_)));
    Explanation { text: error.to_string(), is_lasting }
}

/// What ended it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Coming back would not help.
    Final(String),
    /// It may go better next time.
    Passing {
        /// Why it ended.
        why: String,
        /// How long the server told to wait.
        told: Option<Duration>,
    },
}

/// A `bye`, as far as it matters here.
#[derive(Debug, Deserialize)]
struct Bye<'a> {
    #[serde(borrow)]
    reason: Cow<'a, str>,
    retry_ms: Option<u64>,
}

/// A problem (RFC 9457), as far as it matters here.
#[derive(Debug, Default, Deserialize)]
struct Problem {
    detail: Option<String>,
    retry_ms: Option<u64>,
}

impl End {
    /// The socket failed, or there is none: to come back to a server that is not the one that is meant helps only
    /// once somebody has changed something.
    pub(super) fn of_error(doing: &str, error: &io::Error, explain: Explain) -> Self {
        let Explanation { text, is_lasting } = explain(error);
        let why = format!("{doing}: {text}");
        match is_lasting {
            true => Self::Final(why),
            false => Self::Passing { why, told: None },
        }
    }

    /// Something that is no word of the server's.
    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self::Passing { why: why.into(), told: None }
    }

    /// The server said `bye`: without `retry_ms` it means for good.
    pub(super) fn of_bye(frame: &[u8]) -> Option<Self> {
        let Bye { reason, retry_ms } = serde_json::from_slice(frame).ok()?;
        let why = reason.escape_debug().to_string();
        Some(match retry_ms {
            Some(millis) => Self::Passing { why, told: Some(Duration::from_millis(millis)) },
            None => Self::Final(why),
        })
    }

    /// The session ended without a `bye`; `answer` is the start of what the server said last.
    pub(super) fn of_ending(ending: &Ending, answer: &[u8]) -> Self {
        match ending {
            Ending::Status(status) => Self::of_status(*status, answer),
            Ending::Close(code) if is_final(*code) => Self::Final(ending.to_string()),
            Ending::Protocol(_) => Self::Final(format!("{ending}: no such server?")),
            Ending::Close(_) | Ending::Bye(_) => Self::passing(ending.to_string()),
        }
    }

    /// An upgrade that was answered with something else.
    fn of_status(status: u16, answer: &[u8]) -> Self {
        let mut room = ROOM;
        let head = Head::read(answer, &mut room).ok().flatten();
        let body = head.as_ref().map(|head| &answer[head.length..]).unwrap_or_default();
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        let detail = problem.detail.map(|detail| format!(": {}", detail.escape_debug()));
        let why = format!("HTTP status {status}{}", detail.unwrap_or_default());
        match status {
            // Where a session is asked for what is new, 410 says that there is none any more: begin anew.
            408 | 410 | 425 | 429 | 500.. => {
                let seconds = head.and_then(|head| head.text("retry-after")?.parse().ok());
                let told = problem.retry_ms.map(Duration::from_millis);
                Self::Passing { why, told: told.or(seconds.map(Duration::from_secs)) }
            }
            _ => Self::Final(why),
        }
    }
}

/// Whether every reason of this close code is one not to come back for.
fn is_final(code: u16) -> bool {
    let mut reasons = CloseReason::ALL.into_iter().filter(|reason| reason.code() == code);
    let is_known = CloseReason::ALL.iter().any(|reason| reason.code() == code);
    is_known && !reasons.any(CloseReason::reconnect)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passing(why: &str, millis: Option<u64>) -> End {
        End::Passing { why: why.into(), told: millis.map(Duration::from_millis) }
    }

    #[test]
    fn a_bye_says_whether_to_come_back() {
        let bye = |text: &str| End::of_bye(text.as_bytes());
        assert_eq!(
            bye(r#"{"type":"bye","reason":"draining","retry_ms":1200}"#),
            Some(passing("draining", Some(1200)))
        );
        assert_eq!(
            bye(r#"{"type":"bye","reason":"replaced"}"#),
            Some(End::Final("replaced".into()))
        );
        assert_eq!(bye(r#"{"type":"bye"}"#), None);
    }

    #[test]
    fn closes_go_by_the_table_of_reasons() {
        for (code, is_final) in [(1001, false), (1005, false), (1012, false), (1008, false)] {
            assert_eq!(super::is_final(code), is_final, "{code}");
        }
        for code in [1002, 1003, 1007, 1009, 4401, 4409] {
            assert!(is_final(code), "{code}");
        }
    }

    #[test]
    fn refusals_say_why_and_when_to_come_back() {
        let answer = |status: &str, more: &str, body: &str| {
            format!("HTTP/1.1 {status} X\r\n{more}\r\n{body}").into_bytes()
        };
        let of = |status, answer: Vec<u8>| End::of_ending(&Ending::Status(status), &answer);
        assert_eq!(
            of(401, answer("401", "", r#"{"detail":"the token has expired"}"#)),
            End::Final("HTTP status 401: the token has expired".into())
        );
        assert_eq!(of(404, b"HTTP/1.1 404".to_vec()), End::Final("HTTP status 404".into()));
        assert_eq!(
            of(410, answer("410", "", r#"{"detail":"begin a new one"}"#)),
            passing("HTTP status 410: begin a new one", None)
        );
        assert_eq!(
            of(503, answer("503", "Retry-After: 3\r\n", "")),
            passing("HTTP status 503", Some(3000))
        );
        assert_eq!(
            of(429, answer("429", "Retry-After: 3\r\n", r#"{"retry_ms":70}"#)),
            passing("HTTP status 429", Some(70))
        );
    }
}
