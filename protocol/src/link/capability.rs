//! What two ends of a link may do together beside what their version says.
//!
//! A capability is a bit in an [`super::Offer`] and a name in this table. An end offers what it has
//! code for; only what both offer is in the [`super::Terms`]. A bit, once in the table, keeps its
//! meaning, also when no build offers it any more.

use std::fmt;

/// Something that both ends of a link must be able to do before one of them does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Capability {
    /// Pushes stand in a batch behind their length and flags, see [`super::EntryLayout::Framed`].
    FramedEntries = 0,
    /// The gateway asks pusher-api's store: what is kept behind a cursor, which number comes next.
    StoreQuestions = 1,
    /// The gateway hands up which messages a device has acknowledged.
    Acknowledgements = 2,
    /// The gateway asks which logs have changed since it last knew everything.
    ChangedHeads = 3,
    /// pusher-api names the users and topics for whom a push was given up.
    GivenUpPushes = 4,
    /// Frames of a client that reached another gateway than its session's are passed on.
    RelayedFrames = 5,
    /// The gateway claims a device for its newest session, and hears of newer claims.
    DeviceClaims = 6,
    /// The gateway tells how much load it has and how much room is left, and is told what others have.
    LoadAndRoom = 7,
    /// The gateway tells how far it is behind with pushes to topics and to everybody, and pusher-api
    /// takes no more of them than it can bring in time.
    FanOutWork = 8,
    /// The gateway tells which topics somebody there is subscribed to, and is sent no others.
    TopicInterest = 9,
    /// The gateway asks what time it is at pusher-api, see [`super::ClockReading`].
    Clocks = 10,
}

impl Capability {
    /// The table: every capability there is, by its bit.
    pub const ALL: [Self; 11] = [
        Self::FramedEntries,
        Self::StoreQuestions,
        Self::Acknowledgements,
        Self::ChangedHeads,
        Self::GivenUpPushes,
        Self::RelayedFrames,
        Self::DeviceClaims,
        Self::LoadAndRoom,
        Self::FanOutWork,
        Self::TopicInterest,
        Self::Clocks,
    ];

    /// The name in logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FramedEntries => "framed_entries",
            Self::StoreQuestions => "store_questions",
            Self::Acknowledgements => "acknowledgements",
            Self::ChangedHeads => "changed_heads",
            Self::GivenUpPushes => "given_up_pushes",
            Self::RelayedFrames => "relayed_frames",
            Self::DeviceClaims => "device_claims",
            Self::LoadAndRoom => "load_and_room",
            Self::FanOutWork => "fan_out_work",
            Self::TopicInterest => "topic_interest",
            Self::Clocks => "clocks",
        }
    }

    const fn bit(self) -> u64 {
        1 << self as u8
    }
}

/// A set of capabilities. Bits without a name are kept: they are a newer build's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None at all.
    pub const NONE: Self = Self(0);
    /// What this build has code for.
    pub const OFFERED: Self = Self(
        Capability::FramedEntries.bit()
            | Capability::StoreQuestions.bit()
            | Capability::Acknowledgements.bit()
            | Capability::ChangedHeads.bit()
            | Capability::GivenUpPushes.bit()
            | Capability::RelayedFrames.bit()
            | Capability::DeviceClaims.bit()
            | Capability::LoadAndRoom.bit()
            | Capability::FanOutWork.bit()
            | Capability::TopicInterest.bit()
            | Capability::Clocks.bit(),
    );

    /// The set of these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the set.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether this one is among them.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// Those in both sets.
    #[must_use]
    pub const fn shared_with(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut unnamed = self.0;
        let mut separator = "";
        for capability in Capability::ALL.into_iter().filter(|one| self.contains(*one)) {
            unnamed &= !capability.bit();
            write!(f, "{separator}{}", capability.name())?;
            separator = ", ";
        }
        match (unnamed, self.0) {
            (0, 0) => f.write_str("none"),
            (0, _) => Ok(()),
            (unnamed, _) => write!(f, "{separator}{unnamed:#x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_bit_and_each_name_once() {
        assert!(Capability::ALL.map(Capability::bit).is_sorted());
        let all = Capability::ALL.map(Capability::bit).into_iter().fold(0, |all, bit| all | bit);
        assert_eq!(all.count_ones() as usize, Capability::ALL.len());
        for capability in Capability::ALL {
            let alone = Capabilities::from_bits(capability.bit());
            assert_eq!(alone.to_string(), capability.name());
        }
    }

    #[test]
    fn only_what_has_code_is_offered() {
        let is_offered = |one: &Capability| Capabilities::OFFERED.contains(*one);
        let offered: Vec<_> = Capability::ALL.into_iter().filter(is_offered).collect();
        use Capability::*;
        let expected = [
            FramedEntries,
            StoreQuestions,
            Acknowledgements,
            ChangedHeads,
            GivenUpPushes,
            RelayedFrames,
            DeviceClaims,
            LoadAndRoom,
            FanOutWork,
            TopicInterest,
            Clocks,
        ];
        assert_eq!(offered, expected);
    }

    #[test]
    fn sets_name_what_they_know() {
        assert_eq!(Capabilities::NONE.to_string(), "none");
        let newer = Capabilities::from_bits(0x8000_0000_0000_0081);
        assert_eq!(newer.to_string(), "framed_entries, load_and_room, 0x8000000000000000");
        let shared = newer.shared_with(Capabilities::OFFERED);
        assert_eq!(shared, Capabilities::from_bits(0x81));
    }
}
