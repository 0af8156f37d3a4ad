//! How a frame of either direction stands on the wire: length, kind, body.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use super::{
    MAX_FRAME_BYTES,
    wire::{LinkError, Reader},
};

/// Length and kind in front of every body.
const HEADER_BYTES: usize = 5;
/// The kind that both directions have.
pub(super) const HEARTBEAT: u8 = 5;

pub(super) fn put_header(out: &mut impl BufMut, kind: u8, body_length: usize) {
    out.put_u32_le(u32::try_from(body_length).expect("bodies are bounded by MAX_FRAME_BYTES"));
    out.put_u8(kind);
}

pub(super) fn put_json(out: &mut BytesMut, kind: u8, number: Option<u64>, body: &impl Serialize) {
    let json = serde_json::to_vec(body).expect("link bodies are plain data");
    put_header(out, kind, json.len() + number.map_or(0, |_| 8));
    if let Some(number) = number {
        out.put_u64_le(number);
    }
    out.put_slice(&json);
}

pub(super) fn take_frame(buffer: &mut BytesMut) -> Result<Option<(u8, Bytes)>, LinkError> {
    let mut reader = Reader(buffer);
    let Ok(length) = reader.u32() else { return Ok(None) };
    let length = length as usize;
    if length > MAX_FRAME_BYTES {
        return Err(LinkError::TooLarge(length));
    }
    let Ok(kind) = reader.u8() else { return Ok(None) };
    if buffer.len() < HEADER_BYTES + length {
        buffer.reserve(HEADER_BYTES + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(HEADER_BYTES);
    Ok(Some((kind, buffer.split_to(length).freeze())))
}

pub(super) fn json<'a, T: Deserialize<'a>>(reader: Reader<'a>) -> Result<T, LinkError> {
    serde_json::from_slice(reader.0).map_err(|error| LinkError::Malformed(error.to_string()))
}

pub(super) fn text(reader: Reader<'_>) -> Result<String, LinkError> {
    String::from_utf8(reader.0.to_vec()).map_err(|error| LinkError::Malformed(error.to_string()))
}

/// What the body says, or what it is called where this build knows no such thing.
pub(super) fn json_or_name<'a, T: Deserialize<'a>>(
    reader: Reader<'a>,
) -> Result<Result<T, String>, LinkError> {
    match serde_json::from_slice(reader.0) {
        Ok(known) => Ok(Ok(known)),
        Err(_) => json(reader).map(|named: Named| Err(named.name())),
    }
}

/// Any JSON, by its name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Alone(String),
    WithBody(BTreeMap<String, IgnoredAny>),
    Nameless(IgnoredAny),
}

impl Named {
    fn name(self) -> String {
        match self {
            Self::Alone(name) => name,
            Self::WithBody(bodies) => bodies.into_keys().next().unwrap_or_default(),
            Self::Nameless(IgnoredAny) => String::new(),
        }
    }
}
