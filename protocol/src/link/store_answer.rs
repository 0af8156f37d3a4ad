//! What a store answers to a gateway: the body of a `StoreAnswer` frame.

use bytes::{BufMut, Bytes};

use super::{
    store_question::{log, place, put_log, put_place},
    wire::{LinkError, Reader, malformed},
};
use crate::kept::{Gaps, Log, Place};

const PAGE: u8 = 0;
const ACKNOWLEDGED: u8 = 1;
const CHANGES: u8 = 2;
const AWAY: u8 = 3;

/// An answer of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreAnswer {
    /// A part of a log.
    Page(LogPage),
    /// It is stored.
    Acknowledged,
    /// What has changed.
    Changes {
        /// Logs, and where they end.
        heads: Vec<(Log, Place)>,
        /// The position that this goes up to, in the store's own words.
        position: Bytes,
        /// Whether there is more behind it.
        more: bool,
    },
    /// The store cannot be asked now, for this reason.
    Away(String),
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPage {
    /// Where it begins.
    pub from: Place,
    /// Why messages behind the place that was asked for are missing.
    pub gaps: Gaps,
    /// Where each message stands, and the JSON frame that clients receive, up to its cursor: see
    /// [`crate::server_frame::kept_push`].
    pub messages: Vec<(Place, Bytes)>,
    /// Where it ends: what follows this place is not in it.
    pub through: Place,
    /// How many messages there are behind it.
    pub rest: u64,
}

impl StoreAnswer {
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Page(page) => {
                out.put_u8(PAGE);
                page.encode(out);
            }
            Self::Acknowledged => out.put_u8(ACKNOWLEDGED),
            Self::Changes { heads, position, more } => {
                out.put_u8(CHANGES);
                out.put_u8((*more).into());
                put_bytes(out, position);
                for (log, place) in heads {
                    put_log(out, log);
                    put_place(out, *place);
                }
            }
            Self::Away(reason) => {
                out.put_u8(AWAY);
                out.put_slice(reason.as_bytes());
            }
        }
    }

    /// Reads what [`Self::encode`] wrote; `None` is an answer that this build does not know. Frames share `body`.
    pub(super) fn decode(body: &Bytes, mut reader: Reader<'_>) -> Result<Option<Self>, LinkError> {
        Ok(Some(match reader.u8()? {
            PAGE => Self::Page(LogPage::decode(body, reader)?),
            ACKNOWLEDGED => Self::Acknowledged,
            CHANGES => {
                let more = reader.u8()? != 0;
                let position = bytes(body, &mut reader)?;
                let mut heads = Vec::new();
                while !reader.is_empty() {
                    heads.push((log(&mut reader)?, place(&mut reader)?));
                }
                Self::Changes { heads, position, more }
            }
            AWAY => Self::Away(String::from_utf8(reader.0.to_vec()).map_err(malformed)?),
            _ => return Ok(None),
        }))
    }
}

impl LogPage {
    fn encode(&self, out: &mut impl BufMut) {
        put_place(out, self.from);
        put_place(out, self.through);
        out.put_u64_le(self.rest);
        out.put_u8(self.gaps.bits());
        for (place, frame) in &self.messages {
            put_place(out, *place);
            put_bytes(out, frame);
        }
    }

    fn decode(body: &Bytes, mut reader: Reader<'_>) -> Result<Self, LinkError> {
        let (from, through) = (place(&mut reader)?, place(&mut reader)?);
        let (rest, gaps) = (reader.u64()?, Gaps::from_bits(reader.u8()?));
        let mut messages = Vec::new();
        while !reader.is_empty() {
            messages.push((place(&mut reader)?, bytes(body, &mut reader)?));
        }
        Ok(Self { from, gaps, messages, through, rest })
    }
}

fn put_bytes(out: &mut impl BufMut, bytes: &[u8]) {
    out.put_u32_le(u32::try_from(bytes.len()).expect("frames are at most some 64 KiB"));
    out.put_slice(bytes);
}

fn bytes(body: &Bytes, reader: &mut Reader<'_>) -> Result<Bytes, LinkError> {
    let length = reader.u32()?;
    reader.bytes(length as usize).map(|bytes| body.slice_ref(bytes))
}
