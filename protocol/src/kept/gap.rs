//! Why messages are missing.

/// Why a client does not get something that was, or may have been, kept for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Gap {
    /// Its time to live was over.
    Expired = 0,
    /// It had to make room for later ones.
    Trimmed = 1,
    /// A backend deleted it.
    Deleted = 2,
    /// Another session of the device acknowledged it.
    Acknowledged = 3,
    /// The cursor is of another store, or of one that was restored or cut short: nothing is known of it.
    UnknownCursor = 4,
    /// The store cannot be asked.
    StoreAway = 5,
    /// It was not kept, and was given up on its way.
    Lost = 6,
}

impl Gap {
    /// Every reason, by its bit.
    pub const ALL: [Self; 7] = [
        Self::Expired,
        Self::Trimmed,
        Self::Deleted,
        Self::Acknowledged,
        Self::UnknownCursor,
        Self::StoreAway,
        Self::Lost,
    ];

    /// The `reason` of the frame.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Trimmed => "trimmed",
            Self::Deleted => "deleted",
            Self::Acknowledged => "acknowledged",
            Self::UnknownCursor => "unknown_cursor",
            Self::StoreAway => "store_away",
            Self::Lost => "lost",
        }
    }
}

/// Reasons that hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Gaps(u8);

impl Gaps {
    /// Nothing is missing.
    pub const NONE: Self = Self(0);

    /// The set of these bits; those without a name are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & ((1 << Gap::ALL.len()) - 1))
    }

    /// The bits of the set.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, gap: Gap) -> Self {
        Self(self.0 | 1 << gap as u8)
    }

    /// Whether nothing is missing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Gap> {
        Gap::ALL.into_iter().filter(move |gap| self.0 & (1 << *gap as u8) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_bit_and_a_name_of_its_own() {
        let all = Gap::ALL.into_iter().fold(Gaps::NONE, Gaps::with);
        assert_eq!(all.iter().collect::<Vec<_>>(), Gap::ALL);
        assert_eq!((Gaps::from_bits(all.bits()), Gaps::from_bits(0x80)), (all, Gaps::NONE));
        let names: std::collections::HashSet<_> = all.iter().map(Gap::as_str).collect();
        assert_eq!(names.len(), Gap::ALL.len());
        assert!(Gaps::default().is_empty() && !Gaps::NONE.with(Gap::Lost).is_empty());
    }
}
