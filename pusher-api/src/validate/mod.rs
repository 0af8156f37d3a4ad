//! From the bytes of one push to a checked [`Push`], or to the problem and the place it is at.
//!
//! The happy path reads the JSON once and borrows from it; the payload is skipped over, never
//! parsed. Only a body that was refused is read again, to say where it is wrong.

pub mod body;
pub mod lines;

mod payload;
mod pointer;
mod text;

use std::borrow::Cow;

use protocol::{MessageId, problem::Problem, server_frame};

pub use body::{PushBody, To};
pub use text::{CollapseKey, Name};

/// Largest body of one push, in bytes: the largest payload and 10,000 of the longest names fit.
pub const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

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
#[derive(Debug, Clone, PartialEq, Eq)]
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

/// Checks the JSON of one push.
///
/// # Errors
/// 400 for what is no JSON, 422 for what is no push, 413 for a payload that is too large; with
/// the JSON pointer of the field.
pub fn parse(bytes: &[u8]) -> Result<Push<'_>, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(format!("the body is not UTF-8: {error}")))?;
    // Derived structs also read arrays; a push is an object only.
    let is_object = text.trim_ascii_start().starts_with('{');
    match serde_json::from_str::<PushBody<'_>>(text) {
        Ok(body) if is_object => check(body),
        Ok(_) => Err(invalid("a push is a JSON object").at("")),
        Err(_) => Err(explain(text, is_object)),
    }
}

fn check(body: PushBody<'_>) -> Result<Push<'_>, Problem> {
    let PushBody { to, data, data_base64, ttl, collapse_key, id } = body;
    let to = to.ok_or_else(|| invalid("to is missing: name who the push is for").at("/to"))?;
    let payload = match (data, data_base64) {
        (Some(raw), None) => payload::json(raw.get())?,
        (None, Some(text)) => payload::base64(text.0)?,
        (None, None) => {
            return Err(invalid("data is missing: give data or data_base64").at("/data"));
        }
        (Some(_), Some(_)) => {
            return Err(invalid("give either data or data_base64, not both").at("/data_base64"));
        }
    };
    Ok(Push { to, payload, ttl, collapse_key, id: id.map(MessageId) })
}

/// Reads a refused body again, this time keeping track of where it goes wrong.
fn explain(text: &str, is_object: bool) -> Problem {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return malformed(format!("the body is not JSON: {error}"));
    }
    if !is_object {
        return invalid("a push is a JSON object").at("");
    }
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, PushBody<'_>>(deserializer) {
        Err(error) => {
            let pointer = pointer::of(error.path());
            invalid(pointer::without_position(&error.inner().to_string())).at(pointer)
        }
        Ok(_) => invalid("the body is no push").at(""),
    }
}

fn malformed(detail: String) -> Problem {
    Problem::new(400, "Malformed JSON", detail)
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(422, "Invalid push", detail)
}

#[cfg(test)]
mod tests;
