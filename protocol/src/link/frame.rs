//! How a frame of either direction stands on the wire: length, kind, body.

use std::collections::BTreeMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use uuid::Uuid;

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

/// A number, and a body that is written behind it.
pub(super) fn put_numbered(
    out: &mut BytesMut,
    kind: u8,
    number: u64,
    write: impl FnOnce(&mut BytesMut),
) {
    let header = out.len();
    put_header(out, kind, 0);
    out.put_u64_le(number);
    write(out);
    let length = u32::try_from(out.len() - header - HEADER_BYTES);
    let length = length.expect("bodies are bounded by MAX_FRAME_BYTES");
    out[header..header + 4].copy_from_slice(&length.to_le_bytes());
}

/// The name of a store, or nothing where there is none.
pub(super) fn put_store(out: &mut BytesMut, kind: u8, store: Option<Uuid>) {
    put_header(out, kind, if store.is_some() { 16 } else { 0 });
    out.put_slice(store.as_ref().map_or(&[], |store| store.as_bytes()));
}

/// Reads what [`put_store`] wrote.
pub(super) fn store(mut reader: Reader<'_>) -> Result<Option<Uuid>, LinkError> {
    (!reader.is_empty()).then(|| reader.uuid()).transpose()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A header that announces a body of this length, and the first bytes of it.
    fn announced(length: usize, body: &[u8]) -> BytesMut {
        let mut buffer = BytesMut::new();
        put_header(&mut buffer, 7, length);
        buffer.put_slice(body);
        buffer
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_by_its_length_alone() {
        let most = MAX_FRAME_BYTES;
        assert_eq!(take_frame(&mut announced(most, b"x")), Ok(None), "it may come");
        for length in [most + 1, 2 * most, u32::MAX as usize] {
            assert_eq!(take_frame(&mut announced(length, b"")), Err(LinkError::TooLarge(length)));
            // Before its kind has come, too: nothing is kept for it.
            let mut begun = announced(length, b"");
            begun.truncate(4);
            assert_eq!(take_frame(&mut begun), Err(LinkError::TooLarge(length)));
        }
    }

    #[test]
    fn a_frame_is_taken_once_it_is_whole_and_nothing_behind_it() {
        let whole = announced(3, b"abcdef");
        for cut in 0..HEADER_BYTES + 3 {
            let mut begun = BytesMut::from(&whole[..cut]);
            assert_eq!(take_frame(&mut begun), Ok(None), "{cut} bytes");
            assert_eq!(begun, whole[..cut], "what has come stays");
        }
        let mut buffer = whole;
        assert_eq!(take_frame(&mut buffer), Ok(Some((7, Bytes::from_static(b"abc")))));
        assert_eq!(&buffer[..], b"def");
    }

    #[test]
    fn there_is_room_for_the_rest_of_a_frame_that_has_begun() {
        for come in [10, 60_000] {
            let mut begun = announced(100_000, &vec![0; come]);
            assert_eq!(take_frame(&mut begun), Ok(None));
            let room = begun.capacity();
            assert!((100_005..200_000).contains(&room), "{room} when {come} have come");
        }
    }

    #[test]
    fn what_is_not_known_is_called_by_its_name() {
        let name = |json: &str| json_or_name::<u8>(Reader(json.as_bytes())).unwrap();
        assert_eq!(name("5"), Ok(5));
        for (json, expected) in
            [(r#""Later""#, "Later"), (r#"{"Later":{"x":1}}"#, "Later"), ("[1]", "")]
        {
            assert_eq!(name(json), Err(expected.to_owned()), "{json}");
        }
        assert!(json_or_name::<u8>(Reader(b"{")).is_err());
    }
}
