//! Errors over HTTP: `application/problem+json` (RFC 9457).

use std::{fmt::Display, time::Duration};

use serde::Serialize;

/// The media type of the body.
pub const CONTENT_TYPE: &str = "application/problem+json";

/// One error, as an HTTP client sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{title}: {detail}")]
pub struct Problem {
    /// RFC 9457's `type`: always `about:blank`, the title says it all.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The HTTP status code.
    pub status: u16,
    /// The kind of problem in a few words, the same for each occurrence.
    pub title: String,
    /// What was wrong this time, and what would be right.
    pub detail: String,
    /// JSON pointer (RFC 6901) to the field of the request that was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// Seconds until another try may help, for the `Retry-After` header.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

impl Problem {
    /// A problem of this status.
    pub fn new(status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            status,
            title: title.to_owned(),
            detail: detail.into(),
            pointer: None,
            retry_after: None,
        }
    }

    /// What cannot be done now, for this reason, and may be tried again soon.
    pub fn unavailable(reason: impl Display) -> Self {
        Self::new(503, "Unavailable", reason.to_string()).retry_after(Duration::from_secs(1))
    }

    /// Names the field of the request's body.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// Says when another try may help, rounded up to whole seconds.
    #[must_use]
    pub fn retry_after(mut self, pause: Duration) -> Self {
        let whole = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
        self.retry_after = Some(whole.max(1));
        self
    }

    /// The body.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a problem is plain data")
    }
}
