//! Hashes that are the same in every process and every build, because a store remembers them: FNV-1a
//! (draft-eastlake-fnv), 64 bits. They prove nothing.

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// A hash of the texts and numbers it was given, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StableHash(u64);

impl StableHash {
    /// Of nothing so far.
    pub(crate) const fn new() -> Self {
        Self(BASIS)
    }

    /// The same and this text, which is told apart from one that is split elsewhere.
    #[must_use]
    pub(crate) fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes()).number(text.len() as u64)
    }

    /// The same and this number.
    #[must_use]
    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        Self(bytes.iter().fold(self.0, mix))
    }

    /// The hash.
    pub(crate) const fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_what_it_was_in_every_build_before() {
        assert_eq!(StableHash::new().bytes(b"foobar").value(), 0x8594_4171_f739_67e8);
        let ab_c = StableHash::new().text("ab").text("c");
        assert_ne!(ab_c, StableHash::new().text("a").text("bc"));
        assert_eq!(ab_c, StableHash::new().text("ab").text("c"));
        assert_ne!(StableHash::new().number(1), StableHash::new().number(256));
    }
}
