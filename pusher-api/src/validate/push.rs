//! A push that was checked.

use std::borrow::Cow;

use protocol::{MessageId, server_frame};

use super::{body::To, text::CollapseKey};

/// A push that may be forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push<'a> {
    /// Who it is for.
    pub to: To<'a>,
    /// What clients receive.
    pub payload: Payload<'a>,
    /// Seconds it is kept for, 0 for sessions online now.
    pub ttl: u32,
    /// Replaces an undelivered push with the same key.
    pub collapse_key: Option<CollapseKey<'a>>,
    /// The id, if the backend chose it.
    pub id: Option<MessageId>,
}

/// The payload on a single line.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Payload<'a> {
    /// A JSON value as the backend wrote it.
    Json(Cow<'a, str>),
    /// Canonical standard base64.
    Base64(Cow<'a, str>),
}

impl Payload<'_> {
    /// The payload as the client's frame takes it.
    pub fn as_frame_payload(&self) -> server_frame::Payload<'_> {
        match self {
            Self::Json(text) => server_frame::Payload::Json(text),
            Self::Base64(text) => server_frame::Payload::Base64(text),
        }
    }
}
