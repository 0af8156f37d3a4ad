//! The frames of the link, and how they stand on the wire.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    MAX_FRAME_BYTES,
    wire::{LinkError, Reader},
};
use crate::{
    ids::{Device, SessionId, Topic, UserId},
    receipt::Receipt,
};

/// Length and kind in front of every body.
const HEADER_BYTES: usize = 5;

const HELLO: u8 = 1;
const BATCH: u8 = 2;
const PRESENCE_ACK: u8 = 3;
const REQUEST: u8 = 4;
const HEARTBEAT: u8 = 5;
const WELCOME: u8 = 17;
const PRESENCE: u8 = 18;
const BATCH_ACK: u8 = 19;
const RECEIPT: u8 = 20;
const ANSWER: u8 = 21;

/// From pusher-api to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// The first frame.
    Hello {
        /// [`super::VERSION`] of the sender.
        version: u16,
        /// The pusher-api process: new at each start, the same at each reconnect.
        sender: Uuid,
    },
    /// Pushes, see [`super::PushEntries`].
    Batch {
        /// Counts the batches of this sender to this gateway from 1. A batch that was not
        /// acknowledged is sent again after a reconnect; the gateway skips what it has had.
        seq: u64,
        /// The encoded entries.
        pushes: Bytes,
    },
    /// Presence changes up to this one have been taken in.
    PresenceAck {
        /// The sequence number of [`Up::Presence`].
        seq: u64,
    },
    /// A question or an order that is answered.
    Request {
        /// Comes back in [`Up::Answer`].
        request: u64,
        /// What is wanted.
        body: LinkRequest,
    },
    /// Nothing to say, still here.
    Heartbeat,
}

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

/// What pusher-api asks of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkRequest {
    /// The sessions of a user. Answered with [`LinkAnswer::Sessions`].
    Sessions {
        /// Whose.
        user: UserId,
    },
    /// How many sessions are subscribed to a topic. Answered with [`LinkAnswer::Count`].
    Subscribers {
        /// To which.
        topic: Topic,
    },
    /// Close a user's sessions. Answered with [`LinkAnswer::Count`].
    Disconnect {
        /// Whose.
        user: UserId,
        /// Only that device's.
        device: Option<Device>,
    },
    /// Subscribe a user's sessions to a topic. Answered with [`LinkAnswer::Count`].
    Subscribe {
        /// Whose.
        user: UserId,
        /// To which.
        topic: Topic,
    },
    /// End that subscription. Answered with [`LinkAnswer::Count`].
    Unsubscribe {
        /// Whose.
        user: UserId,
        /// From which.
        topic: Topic,
    },
}

/// What a gateway answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAnswer {
    /// The sessions asked for.
    Sessions(Vec<SessionInfo>),
    /// How many sessions it concerned.
    Count(u64),
}

/// One session, as presence shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The session.
    pub id: SessionId,
    /// `websocket`, `tcp`, …
    pub transport: String,
    /// The `device` claim.
    pub device: Option<String>,
    /// When it began: seconds since the Unix epoch.
    pub since: u64,
    /// The peer's address and port.
    pub address: String,
}

/// The header of a batch whose entries are already encoded elsewhere, `length` bytes in all.
/// Writing it and then the entries equals [`Down::Batch`].
pub fn batch_header(seq: u64, length: usize) -> [u8; 13] {
    let mut header = [0; 13];
    let mut out = header.as_mut_slice();
    put_header(&mut out, BATCH, 8 + length);
    out.put_u64_le(seq);
    header
}

impl Down {
    /// Appends the frame.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Hello { version, sender } => {
                put_header(out, HELLO, 18);
                out.put_u16_le(*version);
                out.put_slice(sender.as_bytes());
            }
            Self::Batch { seq, pushes } => {
                out.put_slice(&batch_header(*seq, pushes.len()));
                out.put_slice(pushes);
            }
            Self::PresenceAck { seq } => {
                put_header(out, PRESENCE_ACK, 8);
                out.put_u64_le(*seq);
            }
            Self::Request { request, body } => put_json(out, REQUEST, Some(*request), body),
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
            HELLO => Self::Hello { version: reader.u16()?, sender: reader.uuid()? },
            BATCH => {
                let seq = reader.u64()?;
                body.advance(8);
                Self::Batch { seq, pushes: body }
            }
            PRESENCE_ACK => Self::PresenceAck { seq: reader.u64()? },
            REQUEST => Self::Request { request: reader.u64()?, body: json(reader)? },
            HEARTBEAT => Self::Heartbeat,
            unknown => return Err(LinkError::UnknownKind(unknown)),
        };
        Ok(Some(frame))
    }
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

fn put_header(out: &mut impl BufMut, kind: u8, body_length: usize) {
    out.put_u32_le(u32::try_from(body_length).expect("bodies are bounded by MAX_FRAME_BYTES"));
    out.put_u8(kind);
}

fn put_json(out: &mut BytesMut, kind: u8, number: Option<u64>, body: &impl Serialize) {
    let json = serde_json::to_vec(body).expect("link bodies are plain data");
    put_header(out, kind, json.len() + number.map_or(0, |_| 8));
    if let Some(number) = number {
        out.put_u64_le(number);
    }
    out.put_slice(&json);
}

fn take_frame(buffer: &mut BytesMut) -> Result<Option<(u8, Bytes)>, LinkError> {
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

fn json<'a, T: Deserialize<'a>>(reader: Reader<'a>) -> Result<T, LinkError> {
    serde_json::from_slice(reader.0).map_err(|error| LinkError::Malformed(error.to_string()))
}

fn text(reader: Reader<'_>) -> Result<String, LinkError> {
    String::from_utf8(reader.0.to_vec()).map_err(|error| LinkError::Malformed(error.to_string()))
}
