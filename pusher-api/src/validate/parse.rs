//! Reads one push.

use protocol::{MessageId, problem::Problem};

use super::{
    body::{PushBody, To},
    payload,
    problems::{expectation, invalid, malformed, not_json, pointer_of},
    push::Push,
};

/// Largest body of one push, in bytes: the largest payload and 10,000 of the longest names fit.
pub(crate) const MAX_BODY_BYTES: usize = 2 * 1024 * 1024;

/// A body without the byte order mark that may stand at its start (RFC 8259 section 8.1).
pub(crate) fn without_byte_order_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Checks the JSON of one push.
///
/// # Errors
/// 400 for what is no JSON, 422 for what is no push, 413 for a payload that is too large; with
/// the JSON pointer of the field.
pub fn parse(bytes: &[u8]) -> Result<Push<'_>, Problem> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| malformed(format!("byte {} is not UTF-8", error.valid_up_to() + 1)))?;
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
    if matches!(to, To::All(_)) && ttl > 0 {
        let detail = "a push to all is for sessions online now; use a topic for what is to be kept";
        return Err(invalid(detail).at("/ttl"));
    }
    Ok(Push { to, payload, ttl, collapse_key, id: id.map(MessageId) })
}

/// Reads a refused body again, this time keeping track of where it goes wrong.
fn explain(text: &str, is_object: bool) -> Problem {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return not_json(&error);
    }
    if !is_object {
        return invalid("a push is a JSON object").at("");
    }
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, PushBody<'_>>(deserializer) {
        Err(error) => {
            let pointer = pointer_of(error.path());
            invalid(expectation(error.inner())).at(pointer)
        }
        Ok(_) => invalid("the body is no push").at(""),
    }
}
