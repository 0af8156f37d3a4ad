//! What clients are given of a kept message.

use protocol::{
    MessageId, Topic,
    server_frame::{Payload, kept_push},
};
use store::contract::KeptPayload;

/// The frame of a message up to its cursor, which the gateway adds; with its topic, if that is whose log it is in.
pub(crate) fn kept_frame(id: MessageId, payload: &KeptPayload, topic: Option<&Topic>) -> Vec<u8> {
    // They were texts when they came.
    match payload {
        KeptPayload::Json(text) => {
            kept_push(id, Payload::Json(&String::from_utf8_lossy(text)), topic)
        }
        KeptPayload::Base64(text) => {
            kept_push(id, Payload::Base64(&String::from_utf8_lossy(text)), topic)
        }
    }
}
