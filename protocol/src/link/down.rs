//! The frames from pusher-api to the gateway.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{
    clock::{ClockReading, READING_BYTES},
    device::DeviceNotice,
    frame::{
        HEARTBEAT, json, json_or_name, put_header, put_json, put_numbered, put_store, store,
        take_frame,
    },
    given_up::GivenUp,
    load::{OTHERS_BYTES, OtherGateways},
    offer::Offer,
    question::LinkRequest,
    relay::RelayAnswer,
    store_answer::StoreAnswer,
    wire::{LinkError, Reader},
};

const HELLO: u8 = 1;
const BATCH: u8 = 2;
const PRESENCE_ACK: u8 = 3;
const REQUEST: u8 = 4;
/// 5 is the heartbeat, with the time where it was asked for.
const GIVEN_UP: u8 = 6;
const DEVICE: u8 = 7;
const RELAY_ANSWER: u8 = 8;
const STORE: u8 = 9;
const STORE_ANSWER: u8 = 10;
const OTHERS: u8 = 11;

/// From pusher-api to the gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// The first frame.
    Hello {
        /// The pusher-api process: new at each start, the same at each reconnect.
        sender: Uuid,
        /// What it speaks; [`Offer::SILENT`] towards a gateway that made no offer.
        offer: Offer,
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
        /// The sequence number of [`super::Up::Presence`].
        seq: u64,
    },
    /// A question or an order that is answered.
    Request {
        /// Comes back in [`super::Up::Answer`].
        request: u64,
        /// What is wanted.
        body: LinkRequest,
    },
    /// A request whose body is none that this build knows.
    UnknownRequest {
        /// Comes back in the answer.
        request: u64,
        /// What the peer calls it.
        name: String,
    },
    /// Live pushes were given up for these. Only for a gateway with the capability, see
    /// [`super::Terms::takes_given_up`].
    GivenUp(GivenUp),
    /// Of other gateways and their devices. Only for a gateway with the capability, see
    /// [`super::Terms::claims_devices`].
    Device(DeviceNotice),
    /// The answer to [`super::Up::Relay`].
    RelayAnswer {
        /// The number of the relay.
        relay: u64,
        /// The answer.
        body: RelayAnswer,
    },
    /// What pusher-api keeps messages in; none where it keeps none. Only for a gateway with the capabilities, see
    /// [`super::Terms::keeps`].
    Store(Option<Uuid>),
    /// The answer to [`super::Up::StoreQuestion`].
    StoreAnswer {
        /// The number of the question.
        question: u64,
        /// The answer.
        body: StoreAnswer,
    },
    /// What other gateways have and can take. Only for a gateway with the capability, see
    /// [`super::Terms::tells_load`].
    Others(OtherGateways),
    /// Nothing to say, still here.
    Heartbeat,
    /// A heartbeat with the answer to [`super::Up::AskTime`].
    Time(ClockReading),
    /// A frame of a kind that this build does not know; to be skipped.
    Unknown {
        /// The kind.
        kind: u8,
        /// What it holds.
        body: Bytes,
    },
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
            Self::Hello { sender, offer } => {
                put_header(out, HELLO, 18 + offer.encoded_length());
                out.put_u16_le(offer.newest());
                out.put_slice(sender.as_bytes());
                offer.encode(out);
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
            Self::UnknownRequest { request, name } => put_json(out, REQUEST, Some(*request), name),
            Self::GivenUp(given_up) => put_json(out, GIVEN_UP, None, given_up),
            Self::Device(notice) => {
                let mut body = Vec::with_capacity(64);
                notice.encode(&mut body);
                put_header(out, DEVICE, body.len());
                out.put_slice(&body);
            }
            Self::RelayAnswer { relay, body } => put_json(out, RELAY_ANSWER, Some(*relay), body),
            Self::Store(store) => put_store(out, STORE, *store),
            Self::StoreAnswer { question, body } => {
                put_numbered(out, STORE_ANSWER, *question, |out| body.encode(out));
            }
            Self::Others(others) => {
                put_header(out, OTHERS, OTHERS_BYTES);
                others.encode(out);
            }
            Self::Heartbeat => put_header(out, HEARTBEAT, 0),
            Self::Time(reading) => {
                put_header(out, HEARTBEAT, READING_BYTES);
                reading.encode(out);
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
            HELLO => {
                let (newest, sender) = (reader.u16()?, reader.uuid()?);
                Self::Hello { sender, offer: Offer::decode(newest, &mut reader)? }
            }
            BATCH => {
                let seq = reader.u64()?;
                body.advance(8);
                Self::Batch { seq, pushes: body }
            }
            PRESENCE_ACK => Self::PresenceAck { seq: reader.u64()? },
            REQUEST => {
                let request = reader.u64()?;
                match json_or_name(reader)? {
                    Ok(body) => Self::Request { request, body },
                    Err(name) => Self::UnknownRequest { request, name },
                }
            }
            GIVEN_UP => Self::GivenUp(json(reader)?),
            DEVICE => Self::Device(DeviceNotice::decode(reader)?),
            RELAY_ANSWER => {
                let relay = reader.u64()?;
                match json_or_name(reader)? {
                    Ok(answer) => Self::RelayAnswer { relay, body: answer },
                    // Nobody who could take it has asked for it.
                    Err(_) => Self::Unknown { kind, body },
                }
            }
            STORE => Self::Store(store(reader)?),
            STORE_ANSWER => {
                let question = reader.u64()?;
                match StoreAnswer::decode(&body, reader)? {
                    Some(answer) => Self::StoreAnswer { question, body: answer },
                    None => Self::Unknown { kind, body },
                }
            }
            OTHERS => Self::Others(OtherGateways::decode(&mut reader)?),
            HEARTBEAT if body.len() >= READING_BYTES => {
                Self::Time(ClockReading::decode(&mut reader)?)
            }
            HEARTBEAT => Self::Heartbeat,
            kind => Self::Unknown { kind, body },
        };
        Ok(Some(frame))
    }
}
