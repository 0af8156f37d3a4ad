//! The frames from pusher-api to the gateway.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use uuid::Uuid;

use super::{
    frame::{HEARTBEAT, json, put_header, put_json, take_frame},
    question::LinkRequest,
    wire::{LinkError, Reader},
};

const HELLO: u8 = 1;
const BATCH: u8 = 2;
const PRESENCE_ACK: u8 = 3;
const REQUEST: u8 = 4;

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
