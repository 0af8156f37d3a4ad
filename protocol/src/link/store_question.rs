//! What a gateway asks the store of a pusher-api: the body of a `StoreQuestion` frame. Only with the capabilities,
//! see [`super::Terms::keeps`].

use bytes::{BufMut, Bytes};

use super::wire::{LinkError, Reader, put_name, valid};
use crate::{
    ids::{Device, UserId},
    kept::{Acknowledged, From, Log, Place},
};

const BEGIN: u8 = 0;
const READ: u8 = 1;
const ACKNOWLEDGE: u8 = 2;
const CHANGED_SINCE: u8 = 3;

const AFTER: u8 = 0;
const START: u8 = 1;
const NOW: u8 = 2;

/// Most devices that one question acknowledges for.
pub const MAX_ACKNOWLEDGED: usize = 4096;

/// A question to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreQuestion {
    /// A session begins; what is kept for it. Answered with a page.
    Begin {
        /// Whose.
        user: UserId,
        /// Of which device.
        device: Option<Device>,
        /// What its client has seen last.
        after: Option<Place>,
    },
    /// What is kept in a log. Answered with a page.
    Read {
        /// Which.
        log: Log,
        /// From where.
        from: From,
    },
    /// How far devices have the logs of their users. Answered once that is stored.
    Acknowledge(Vec<Acknowledged>),
    /// Which logs have changed since the store answered with this position; none asks for the present one.
    ChangedSince(Option<Bytes>),
}

impl StoreQuestion {
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Begin { user, device, after } => {
                out.put_u8(BEGIN);
                put_name(out, user.as_str());
                put_name(out, device.as_ref().map_or("", Device::as_str));
                put_from(out, after.map_or(From::Now, From::After));
            }
            Self::Read { log, from } => {
                out.put_u8(READ);
                put_log(out, log);
                put_from(out, *from);
            }
            Self::Acknowledge(all) => {
                out.put_u8(ACKNOWLEDGE);
                for Acknowledged { user, device, place } in all {
                    put_name(out, user.as_str());
                    put_name(out, device.as_ref().map_or("", Device::as_str));
                    put_place(out, *place);
                }
            }
            Self::ChangedSince(position) => {
                out.put_u8(CHANGED_SINCE);
                out.put_u8(position.is_some().into());
                out.put_slice(position.as_deref().unwrap_or_default());
            }
        }
    }

    /// Reads what [`Self::encode`] wrote; `None` is a question that this build does not know.
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Option<Self>, LinkError> {
        Ok(Some(match reader.u8()? {
            BEGIN => {
                let (user, device) = (valid(&mut reader)?, device(&mut reader)?);
                let after = match from(&mut reader)? {
                    From::After(place) => Some(place),
                    From::Start | From::Now => None,
                };
                Self::Begin { user, device, after }
            }
            READ => Self::Read { log: log(&mut reader)?, from: from(&mut reader)? },
            ACKNOWLEDGE => {
                let mut all = Vec::new();
                while !reader.is_empty() {
                    let (user, device) = (valid(&mut reader)?, device(&mut reader)?);
                    all.push(Acknowledged { user, device, place: place(&mut reader)? });
                }
                Self::Acknowledge(all)
            }
            CHANGED_SINCE => {
                let has_position = reader.u8()? != 0;
                Self::ChangedSince(has_position.then(|| Bytes::copy_from_slice(reader.0)))
            }
            _ => return Ok(None),
        }))
    }
}

fn device(reader: &mut Reader<'_>) -> Result<Option<Device>, LinkError> {
    match reader.name()? {
        "" => Ok(None),
        name => name.parse().map(Some).map_err(super::wire::malformed),
    }
}

fn put_from(out: &mut impl BufMut, from: From) {
    match from {
        From::After(place) => {
            out.put_u8(AFTER);
            put_place(out, place);
        }
        From::Start => out.put_u8(START),
        From::Now => out.put_u8(NOW),
    }
}

fn from(reader: &mut Reader<'_>) -> Result<From, LinkError> {
    match reader.u8()? {
        AFTER => Ok(From::After(place(reader)?)),
        START => Ok(From::Start),
        NOW => Ok(From::Now),
        unknown => Err(LinkError::UnknownKind(unknown)),
    }
}

pub(super) fn put_place(out: &mut impl BufMut, place: Place) {
    out.put_u64_le(place.number);
    out.put_u32_le(place.check);
}

pub(super) fn place(reader: &mut Reader<'_>) -> Result<Place, LinkError> {
    Ok(Place { number: reader.u64()?, check: reader.u32()? })
}

/// The kind of a log stands in front of its name.
pub(super) fn put_log(out: &mut impl BufMut, log: &Log) {
    out.put_u8(match log {
        Log::User(_) => b'u',
        Log::Topic(_) => b't',
    });
    put_name(out, log.name());
}

pub(super) fn log(reader: &mut Reader<'_>) -> Result<Log, LinkError> {
    match reader.u8()? {
        b'u' => valid(reader).map(Log::User),
        b't' => valid(reader).map(Log::Topic),
        unknown => Err(LinkError::UnknownKind(unknown)),
    }
}
