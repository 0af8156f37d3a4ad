//! The payload: its size, and what must not travel in it.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use protocol::{problem::Problem, push::MAX_PAYLOAD_BYTES};

use super::{problems::invalid, push::Payload, readable};

/// Longest base64 text of a payload of the largest size.
const MAX_BASE64_BYTES: usize = MAX_PAYLOAD_BYTES.div_ceil(3) * 4;

/// Takes a JSON value. Clients on TCP read a frame a line, so line breaks, which JSON allows only
/// between tokens, become spaces.
pub(super) fn json(text: &str) -> Result<Payload<'_>, Problem> {
    if text.len() > MAX_PAYLOAD_BYTES {
        return Err(too_large("/data", text.len()));
    }
    readable::check(text).map_err(|reason| invalid(format!("data {reason}")).at("/data"))?;
    let broken = memchr::memchr2(b'\n', b'\r', text.as_bytes()).is_some();
    Ok(Payload::Json(match broken {
        true => Cow::Owned(text.replace(['\n', '\r'], " ")),
        false => Cow::Borrowed(text),
    }))
}

/// Takes base64 in the standard alphabet with its padding (RFC 4648 section 4).
pub(super) fn base64(text: Cow<'_, str>) -> Result<Payload<'_>, Problem> {
    if text.len() > MAX_BASE64_BYTES {
        return Err(too_large("/data_base64", text.len() / 4 * 3));
    }
    let decoded = STANDARD.decode(text.as_bytes()).map_err(|_| {
        invalid("data_base64 must be standard base64 with padding (RFC 4648 section 4)")
            .at("/data_base64")
    })?;
    match decoded.len() > MAX_PAYLOAD_BYTES {
        true => Err(too_large("/data_base64", decoded.len())),
        false => Ok(Payload::Base64(text)),
    }
}

fn too_large(pointer: &str, length: usize) -> Problem {
    let detail = format!("the payload has {length} bytes, at most {MAX_PAYLOAD_BYTES} are allowed");
    Problem::new(413, "Payload too large", detail).at(pointer)
}
