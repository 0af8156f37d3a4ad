//! What is kept, as it stands in Redis.

use bytes::Bytes;
use protocol::{
    MessageId,
    kept::{Gaps, Place},
};
use store::contract::{KeptMessage, KeptPayload, Page, Room};
use uuid::Uuid;

use super::resp::Value;

pub(crate) fn place(value: Value) -> Place {
    let parts: Vec<_> = value.list().into_iter().map(Value::number).collect();
    Place { number: parts[0], check: parts[1] as u32 }
}

pub(crate) fn place_arguments(place: Place) -> [Vec<u8>; 2] {
    [place.number.to_string().into_bytes(), place.check.to_string().into_bytes()]
}

pub(crate) fn room_arguments(room: Room) -> [Vec<u8>; 2] {
    [room.messages.to_string().into_bytes(), room.bytes.to_string().into_bytes()]
}

/// Its kind and its bytes.
pub(crate) fn payload_arguments(payload: &KeptPayload) -> [Vec<u8>; 2] {
    match payload {
        KeptPayload::Json(bytes) => [b"j".to_vec(), bytes.to_vec()],
        KeptPayload::Base64(bytes) => [b"b".to_vec(), bytes.to_vec()],
    }
}

pub(crate) fn page(mut values: impl Iterator<Item = Value>) -> Page {
    let mut next = || values.next().unwrap();
    Page {
        from: place(next()),
        gaps: Gaps::from_bits(next().number() as u8),
        messages: next().list().into_iter().map(message).collect(),
        through: place(next()),
        rest: next().number(),
    }
}

fn message(value: Value) -> KeptMessage {
    let mut values = value.list();
    let payload = values.split_off(2);
    let [id, kind, bytes] = payload.try_into().unwrap();
    let bytes = Bytes::from(bytes.bytes());
    let is_json = kind.bytes() == b"j";
    KeptMessage {
        place: place(Value::List(values)),
        id: MessageId(Uuid::from_slice(&id.bytes()).unwrap()),
        payload: if is_json { KeptPayload::Json(bytes) } else { KeptPayload::Base64(bytes) },
    }
}
