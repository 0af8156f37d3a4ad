//! The frames from the gateway to pusher-api.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{
    frame::{HEARTBEAT, json, put_header, put_json, take_frame, text},
    question::LinkAnswer,
    wire::{LinkError, Reader},
};
use crate::receipt::Receipt;

const WELCOME: u8 = 17;
const PRESENCE: u8 = 18;
const BATCH_ACK: u8 = 19;
const RECEIPT: u8 = 20;
const ANSWER: u8 = 21;

/// From the gateway to pusher-api.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// The answer to [`Down::Hello`].
    Welcome {
        /// [`super::VERSION`] of the gateway.
        version: u16,
        /// The gateway process: new at each start.
        instance: Uuid,
        /// The last batch of this sender that the gateway has had; 0 for none.
        last_seq: u64,
        /// The gateway's name, for people.
        gateway: String,
    },
    /// Who came and went, see [`super::PresenceChanges`].
    Presence {
        /// The sequence number of the last change in this frame; changes count from 1 on each
        /// connection.
        seq: u64,
        /// The encoded changes.
        changes: Bytes,
    },
    /// Batches up to this one have been handed to their sessions.
    BatchAck {
        /// The sequence number of [`Down::Batch`].
        seq: u64,
        /// Bytes that wait in the gateway for its sessions to take them.
        queued_bytes: u64,
    },
    /// What became of a push whose entry asked for it.
    Receipt(Receipt),
    /// The answer to [`Down::Request`].
    Answer {
        /// The number of the request.
        request: u64,
        /// The answer.
        body: LinkAnswer,
    },
    /// Nothing to say, still here.
    Heartbeat,
}

impl Up {
    /// Appends the frame.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Welcome { version, instance, last_seq, gateway } => {
                put_header(out, WELCOME, 26 + gateway.len());
                out.put_u16_le(*version);
                out.put_slice(instance.as_bytes());
                out.put_u64_le(*last_seq);
                out.put_slice(gateway.as_bytes());
            }
            Self::Presence { seq, changes } => {
                put_header(out, PRESENCE, 8 + changes.len());
                out.put_u64_le(*seq);
                out.put_slice(changes);
            }
            Self::BatchAck { seq, queued_bytes } => {
                put_header(out, BATCH_ACK, 16);
                out.put_u64_le(*seq);
                out.put_u64_le(*queued_bytes);
            }
            Self::Receipt(receipt) => put_json(out, RECEIPT, None, receipt),
            Self::Answer { request, body } => put_json(out, ANSWER, Some(*request), body),
            Self::Heartbeat => put_header(out, HEARTBEAT, 0),
        }
    }

    /// Takes the first frame off the buffer, or `None` while it is incomplete.
    ///
    /// # Errors
    /// The bytes are no frame of this direction; the connection must be closed.
    pub fn decode(buffer: &mut BytesMut) -> Result<Option<Self>, LinkError> {
        let Some((kind, mut body)) = take_frame(buffer)? else { return Ok(None) };
        let mut reader = Reader(&body);
        let frame = match kind {
            WELCOME => Self::Welcome {
                version: reader.u16()?,
                instance: reader.uuid()?,
                last_seq: reader.u64()?,
                gateway: text(reader)?,
            },
            PRESENCE => {
                let seq = reader.u64()?;
                body.advance(8);
                Self::Presence { seq, changes: body }
            }
            BATCH_ACK => Self::BatchAck { seq: reader.u64()?, queued_bytes: reader.u64()? },
            RECEIPT => Self::Receipt(json(reader)?),
            ANSWER => Self::Answer { request: reader.u64()?, body: json(reader)? },
            HEARTBEAT => Self::Heartbeat,
            unknown => return Err(LinkError::UnknownKind(unknown)),
        };
        Ok(Some(frame))
    }
}
