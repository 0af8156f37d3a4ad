//! The frames from the gateway to pusher-api.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{
    clock::ASKED_BYTES,
    frame::{
        HEARTBEAT, json, json_or_name, put_header, put_json, put_numbered, put_store, store,
        take_frame, text,
    },
    load::{LOAD_BYTES, Load},
    offer::Offer,
    question::LinkAnswer,
    relay::Relayed,
    store_question::StoreQuestion,
    wire::{LinkError, Reader},
};
use crate::receipt::Receipt;

const WELCOME: u8 = 17;
const PRESENCE: u8 = 18;
const BATCH_ACK: u8 = 19;
const RECEIPT: u8 = 20;
const ANSWER: u8 = 21;
const FAN_OUT_WORK: u8 = 22;
const RELAY: u8 = 23;
const STORE: u8 = 24;
const STORE_QUESTION: u8 = 25;
const LOAD: u8 = 26;

/// From the gateway to pusher-api.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// The answer to [`super::Down::Hello`].
    Welcome {
        /// What the gateway speaks; [`Offer::SILENT`] towards a pusher-api that made no offer.
        offer: Offer,
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
    /// Batches up to this one have been handed to their sessions. Said again when other bytes wait than
    /// it said.
    BatchAck {
        /// The sequence number of [`super::Down::Batch`].
        seq: u64,
        /// Bytes that wait in the gateway for its sessions to take them.
        queued_bytes: u64,
    },
    /// What became of a push whose entry asked for it.
    Receipt(Receipt),
    /// The answer to [`super::Down::Request`].
    Answer {
        /// The number of the request.
        request: u64,
        /// The answer.
        body: LinkAnswer,
    },
    /// An answer whose body is none that this build knows.
    UnknownAnswer {
        /// The number of the request.
        request: u64,
        /// What the peer calls it.
        name: String,
    },
    /// How long the gateway has to do with pushes to topics and to everybody, those of the batch
    /// that is acknowledged behind this frame among them, see [`super::Capability::FanOutWork`].
    FanOutWork(FanOutWork),
    /// Something for a session of another gateway. Only for a pusher-api with the capability, see
    /// [`super::Terms::relays`].
    Relay {
        /// Comes back in [`super::Down::RelayAnswer`].
        relay: u64,
        /// What is wanted of whom.
        body: Relayed,
    },
    /// The store that the gateway holds to; a pusher-api with another one cannot keep anything. Only for one with the
    /// capabilities, see [`super::Terms::keeps`].
    Store(Option<Uuid>),
    /// A question to the store.
    StoreQuestion {
        /// Comes back in [`super::Down::StoreAnswer`].
        question: u64,
        /// What is asked.
        body: StoreQuestion,
    },
    /// How many sessions the gateway has, and can take. Only for a pusher-api with the capability, see
    /// [`super::Terms::tells_load`].
    Load(Load),
    /// Nothing to say, still here.
    Heartbeat,
    /// A heartbeat that asks what time it is. Only for a pusher-api with the capability, see
    /// [`super::Terms::exchanges_times`].
    AskTime {
        /// When: microseconds by a clock of the gateway's own. Comes back in
        /// [`super::Down::Time`].
        asked_micros: u64,
    },
    /// A frame of a kind that this build does not know; to be skipped.
    Unknown {
        /// The kind.
        kind: u8,
        /// What it holds.
        body: Bytes,
    },
}

/// Work of a gateway, in microseconds as it measures itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FanOutWork {
    /// Until what it has taken is done.
    pub behind_micros: u64,
    /// What one more push to everybody takes.
    pub all_micros: u64,
    /// What one more push to a topic takes at the most.
    pub topic_micros: u64,
}

impl Up {
    /// Appends the frame.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Welcome { offer, instance, last_seq, gateway } => {
                put_header(out, WELCOME, 26 + offer.encoded_length() + gateway.len());
                out.put_u16_le(offer.newest());
                out.put_slice(instance.as_bytes());
                out.put_u64_le(*last_seq);
                offer.encode(out);
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
            Self::UnknownAnswer { request, name } => put_json(out, ANSWER, Some(*request), name),
            Self::FanOutWork(work) => {
                put_header(out, FAN_OUT_WORK, 24);
                out.put_u64_le(work.behind_micros);
                out.put_u64_le(work.all_micros);
                out.put_u64_le(work.topic_micros);
            }
            Self::Relay { relay, body } => put_json(out, RELAY, Some(*relay), body),
            Self::Store(store) => put_store(out, STORE, *store),
            Self::StoreQuestion { question, body } => {
                put_numbered(out, STORE_QUESTION, *question, |out| body.encode(out));
            }
            Self::Load(load) => {
                put_header(out, LOAD, LOAD_BYTES);
                load.encode(out);
            }
            Self::Heartbeat => put_header(out, HEARTBEAT, 0),
            Self::AskTime { asked_micros } => {
                put_header(out, HEARTBEAT, ASKED_BYTES);
                out.put_u64_le(*asked_micros);
            }
            Self::Unknown { kind, body } => {
                put_header(out, *kind, body.len());
                out.put_slice(body);
            }
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
            WELCOME => {
                let newest = reader.u16()?;
                let (instance, last_seq) = (reader.uuid()?, reader.u64()?);
                let offer = Offer::decode(newest, &mut reader)?;
                Self::Welcome { offer, instance, last_seq, gateway: text(reader)? }
            }
            PRESENCE => {
                let seq = reader.u64()?;
                body.advance(8);
                Self::Presence { seq, changes: body }
            }
            BATCH_ACK => Self::BatchAck { seq: reader.u64()?, queued_bytes: reader.u64()? },
            RECEIPT => Self::Receipt(json(reader)?),
            ANSWER => {
                let request = reader.u64()?;
                match json_or_name(reader)? {
                    Ok(body) => Self::Answer { request, body },
                    Err(name) => Self::UnknownAnswer { request, name },
                }
            }
            FAN_OUT_WORK => Self::FanOutWork(FanOutWork {
                behind_micros: reader.u64()?,
                all_micros: reader.u64()?,
                topic_micros: reader.u64()?,
            }),
            RELAY => {
                let relay = reader.u64()?;
                match json_or_name(reader)? {
                    Ok(relayed) => Self::Relay { relay, body: relayed },
                    // Of a newer build; it is not waited for longer than it says.
                    Err(_) => Self::Unknown { kind, body },
                }
            }
            STORE => Self::Store(store(reader)?),
            STORE_QUESTION => {
                let question = reader.u64()?;
                match StoreQuestion::decode(reader)? {
                    Some(asked) => Self::StoreQuestion { question, body: asked },
                    None => Self::Unknown { kind, body },
                }
            }
            LOAD => Self::Load(Load::decode(&mut reader)?),
            HEARTBEAT if body.len() >= ASKED_BYTES => Self::AskTime { asked_micros: reader.u64()? },
            HEARTBEAT => Self::Heartbeat,
            kind => Self::Unknown { kind, body },
        };
        Ok(Some(frame))
    }
}
