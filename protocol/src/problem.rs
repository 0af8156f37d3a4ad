//! Errors over HTTP: `application/problem+json` (RFC 9457).

use std::{borrow::Cow, fmt::Display, time::Duration};

use serde::{Serialize, Serializer};

/// The media type of the body.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// Most bytes of a client's own text that an error repeats.
const MAX_EXCERPT_BYTES: usize = 64;
/// Longest detail. What says more repeats what it was sent.
const MAX_DETAIL_BYTES: usize = 1024;
/// Longest pointer; what lies deeper is pointed to by what holds it.
const MAX_POINTER_BYTES: usize = 256;

/// The beginning of a text, long enough to recognise it by.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    shortened(text, MAX_EXCERPT_BYTES)
}

fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let end = (0..=most).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}…", &text[..end]).into()
}

/// The only `type` there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Blank;

impl Serialize for Blank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("about:blank")
    }
}

/// One error, as an HTTP client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    /// RFC 9457's `type`: always `about:blank`, the title says it all.
    #[serde(rename = "type")]
    kind: Blank,
    /// The HTTP status code.
    pub status: u16,
    /// The kind of problem in a few words, the same for each occurrence.
    pub title: Cow<'static, str>,
    /// What was wrong this time, and what would be right.
    pub detail: String,
    /// The name that an `error` frame would have, where one of a client's frames was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Cow<'static, str>>,
    /// JSON pointer (RFC 6901) to the field of the request that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Seconds until another try may help, for the `Retry-After` header.
    #[serde(skip)]
    pub retry_after: Option<u32>,
    /// The same in milliseconds, for clients that hold sessions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_ms: Option<u32>,
}

impl Problem {
    /// A problem of this status.
    pub fn new(
        status: u16,
        title: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind: Blank,
            status,
            title: title.into(),
            detail: shortened(&detail.into(), MAX_DETAIL_BYTES).into_owned(),
            code: None,
            pointer: None,
            retry_after: None,
            retry_ms: None,
        }
    }

    /// What cannot be done now, for this reason, and may be tried again soon.
    pub fn unavailable(reason: impl Display) -> Self {
        Self::new(503, "Unavailable", reason.to_string()).retry_after(Duration::from_secs(1))
    }

    /// Says what an `error` frame would have said.
    #[must_use]
    pub fn coded(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Names the field of the request's body.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        let mut pointer = pointer.into();
        while pointer.len() > MAX_POINTER_BYTES {
            pointer.truncate(pointer.rfind('/').unwrap_or_default());
        }
        self.pointer = Some(pointer);
        self
    }

    /// Says when another try may help, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        let whole = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        self.retry_after = Some(u32::try_from(whole.max(1)).unwrap_or(u32::MAX));
        self
    }

    /// Says when to come back also in milliseconds, as `bye` does.
    #[must_use]
    pub fn retry_ms(mut self, pause: Duration) -> Self {
        self.retry_ms = u32::try_from(pause.as_millis()).ok();
        self.retry_after(pause)
    }

    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a problem is plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_repeat_no_more_than_the_beginning_of_what_was_sent() {
        assert_eq!(excerpt("short"), "short");
        let long = "é".repeat(33);
        assert_eq!(excerpt(&long), format!("{}…", "é".repeat(32)));
        let problem = Problem::new(422, "Invalid", "x".repeat(60_000));
        assert_eq!(problem.detail.len(), MAX_DETAIL_BYTES + '…'.len_utf8());
        let deep = format!("/to/{}/x", "y".repeat(MAX_POINTER_BYTES));
        assert_eq!(problem.clone().at(deep).pointer.as_deref(), Some("/to"));
        assert_eq!(problem.clone().at("/to/user").pointer.as_deref(), Some("/to/user"));
        let longest = format!("/{}", "y".repeat(MAX_POINTER_BYTES - 1));
        assert_eq!(problem.at(longest.as_str()).pointer, Some(longest));
    }

    #[test]
    fn a_body_says_what_was_wrong_and_where() {
        let body: serde_json::Value =
            serde_json::from_slice(&Problem::new(422, "Invalid", "why").at("/to").to_json())
                .expect("JSON");
        let expected = serde_json::json!({
            "type": "about:blank", "status": 422, "title": "Invalid", "detail": "why", "pointer": "/to",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn a_pause_is_rounded_up_to_whole_seconds() {
        let problem = Problem::unavailable("why");
        assert_eq!((problem.status, problem.retry_after), (503, Some(1)));
        for (millis, seconds) in
            [(0, 1), (1, 1), (999, 1), (1000, 1), (1001, 2), (2000, 2), (4999, 5)]
        {
            let problem = Problem::new(429, "Too Many", "why");
            assert_eq!(problem.retry_after, None);
            let problem = problem.retry_after(Duration::from_millis(millis));
            assert_eq!(problem.retry_after, Some(seconds), "{millis} ms");
        }
    }
}
