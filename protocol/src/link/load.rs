//! How many sessions gateways have and can take, so that one asks its sessions to come back only where
//! others have room for them.
//!
//! A gateway tells its own [`Load`] ([`super::Up::Load`]); each is told what all the [`OtherGateways`] have
//! together ([`super::Down::Others`]). Both have a fixed length, and what a newer build says behind it is
//! passed over.

use bytes::BufMut;

use super::wire::{LinkError, Reader};

/// The bytes of a [`Load`].
pub(super) const LOAD_BYTES: usize = 20;
/// The bytes of [`OtherGateways`].
pub(super) const OTHERS_BYTES: usize = 28;

/// What one gateway has and can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Sessions of clients.
    pub sessions: u64,
    /// How many more there may be; 0 while it wants none.
    pub room: u64,
    /// How many it takes in a second at the most; [`u32::MAX`] where nothing bounds that.
    pub per_second: u32,
}

impl Load {
    pub(super) fn encode(self, out: &mut impl BufMut) {
        out.put_u64_le(self.sessions);
        out.put_u64_le(self.room);
        out.put_u32_le(self.per_second);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, LinkError> {
        Ok(Self { sessions: reader.u64()?, room: reader.u64()?, per_second: reader.u32()? })
    }
}

/// What other gateways have and can take together, as one pusher-api knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OtherGateways {
    /// How many there are that have told.
    pub gateways: u32,
    /// Their sessions.
    pub sessions: u64,
    /// How many more they can take.
    pub room: u64,
    /// How many those of them that can take any take in a second; [`u64::MAX`] where nothing bounds that.
    pub per_second: u64,
}

impl OtherGateways {
    /// Adds another gateway.
    pub fn add(&mut self, load: Load) {
        self.gateways = self.gateways.saturating_add(1);
        self.sessions = self.sessions.saturating_add(load.sessions);
        self.room = self.room.saturating_add(load.room);
        let rate = match load.per_second {
            _ if load.room == 0 => 0,
            u32::MAX => u64::MAX,
            rate => rate.into(),
        };
        self.per_second = self.per_second.saturating_add(rate);
    }

    pub(super) fn encode(self, out: &mut impl BufMut) {
        out.put_u32_le(self.gateways);
        out.put_u64_le(self.sessions);
        out.put_u64_le(self.room);
        out.put_u64_le(self.per_second);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, LinkError> {
        Ok(Self {
            gateways: reader.u32()?,
            sessions: reader.u64()?,
            room: reader.u64()?,
            per_second: reader.u64()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_have_is_added_up() {
        let mut others = OtherGateways::default();
        others.add(Load { sessions: 10, room: 5, per_second: 100 });
        others.add(Load { sessions: 20, room: 0, per_second: 100 });
        let expected = OtherGateways { gateways: 2, sessions: 30, room: 5, per_second: 100 };
        assert_eq!(others, expected);
        others.add(Load { sessions: 0, room: u64::MAX, per_second: u32::MAX });
        let all = OtherGateways { gateways: 3, sessions: 30, room: u64::MAX, per_second: u64::MAX };
        assert_eq!(others, all);
    }

    #[test]
    fn they_have_their_places_and_what_follows_is_passed_over() {
        let load = Load { sessions: 1, room: 2, per_second: 3 };
        let mut bytes = Vec::new();
        load.encode(&mut bytes);
        assert_eq!(bytes, [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0]);
        assert_eq!(bytes.len(), LOAD_BYTES);
        bytes.push(9);
        assert_eq!(Load::decode(&mut Reader(&bytes)), Ok(load));
        let others = OtherGateways { gateways: 1, sessions: 2, room: 3, per_second: 4 };
        let mut bytes = Vec::new();
        others.encode(&mut bytes);
        let places = [(0, 1), (4, 2), (12, 3), (20, 4)];
        assert!(places.iter().all(|(place, byte)| bytes[*place] == *byte), "{bytes:?}");
        assert_eq!(bytes.len(), OTHERS_BYTES);
        bytes.push(9);
        assert_eq!(OtherGateways::decode(&mut Reader(&bytes)), Ok(others));
        assert_eq!(OtherGateways::decode(&mut Reader(&bytes[..27])), Err(LinkError::Truncated));
    }
}
