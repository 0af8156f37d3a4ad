//! What a pusher-api says of other gateways, and of the devices whose sessions are there: the body of a
//! `Device` frame. Only for a gateway with the capability, see [`super::Terms::claims_devices`].
//!
//! Gateways tell of their devices among the changes of [`presence`](super::presence), in whose order the
//! pusher-api that decides for two gateways hands them on. See docs/decisions/devices.md.

use bytes::BufMut;
use uuid::Uuid;

use super::wire::{LinkError, Reader, put_name, valid};
use crate::ids::{Device, UserId};

const LINKED: u8 = 0;
const UNLINKED: u8 = 1;
const CLAIMED: u8 = 2;
const HELD: u8 = 3;
const ASKED: u8 = 4;

/// How a session is claimed to be the only one of its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is newer than all that were claimed before.
    New,
    /// It has been there, and there may be another one: it gives way to one that came while the two
    /// gateways could not hear each other.
    Held,
}

/// What a gateway is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceNotice {
    /// This pusher-api is linked to another gateway, too. Of all that say so, the one with the smallest
    /// name decides between the two gateways once both have chosen it.
    Linked {
        /// The pusher-api process: the same at all its links.
        name: Uuid,
        /// The other gateway process.
        peer: Uuid,
    },
    /// It is not any more.
    Unlinked {
        /// The other gateway process.
        peer: Uuid,
    },
    /// Another gateway has claimed a device.
    Claimed {
        /// Whose device.
        user: UserId,
        /// Which.
        device: Device,
        /// The gateway process that has the session.
        peer: Uuid,
        /// The last of this gateway's changes of presence that the pusher-api knew of: what it claims in
        /// a later one is newer.
        through: u64,
        /// How it claims it.
        claim: Claim,
    },
    /// The gateway shall say which devices of a user it has.
    Asked {
        /// Whose.
        user: UserId,
    },
}

impl DeviceNotice {
    /// Appends the body of the frame.
    pub(super) fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Linked { name, peer } => {
                out.put_u8(LINKED);
                out.put_slice(name.as_bytes());
                out.put_slice(peer.as_bytes());
            }
            Self::Unlinked { peer } => {
                out.put_u8(UNLINKED);
                out.put_slice(peer.as_bytes());
            }
            Self::Claimed { user, device, peer, through, claim } => {
                out.put_u8(if *claim == Claim::New { CLAIMED } else { HELD });
                out.put_slice(peer.as_bytes());
                out.put_u64_le(*through);
                put_name(out, user.as_str());
                put_name(out, device.as_str());
            }
            Self::Asked { user } => {
                out.put_u8(ASKED);
                put_name(out, user.as_str());
            }
        }
    }

    /// Reads what [`Self::encode`] wrote.
    pub(super) fn decode(mut reader: Reader<'_>) -> Result<Self, LinkError> {
        let kind = reader.u8()?;
        match kind {
            LINKED => Ok(Self::Linked { name: reader.uuid()?, peer: reader.uuid()? }),
            UNLINKED => Ok(Self::Unlinked { peer: reader.uuid()? }),
            CLAIMED | HELD => {
                let (peer, through) = (reader.uuid()?, reader.u64()?);
                let (user, device) = (valid(&mut reader)?, valid(&mut reader)?);
                let claim = if kind == CLAIMED { Claim::New } else { Claim::Held };
                Ok(Self::Claimed { user, device, peer, through, claim })
            }
            ASKED => Ok(Self::Asked { user: valid(&mut reader)? }),
            unknown => Err(LinkError::UnknownKind(unknown)),
        }
    }
}
