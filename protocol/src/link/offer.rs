//! What one end of a link can speak, in the words of a header field and in the bytes of a frame.

use std::{fmt, str::FromStr};

use bytes::BufMut;

use super::{
    capability::Capabilities,
    terms::{Terms, WITHOUT_OFFERS},
    wire::{LinkError, Reader},
};

/// The header field of the upgrade's request and of its 101 in which each end makes its offer.
pub const OFFER_HEADER: &str = "holdfast-link-offer";
/// The oldest version and the capabilities.
const ENCODED_BYTES: u8 = 10;

/// What one end can speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    oldest: u16,
    newest: u16,
    capabilities: Capabilities,
}

/// A text or frame that is no offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an offer looks like versions=1-2; capabilities=1")]
pub struct InvalidOffer;

impl Offer {
    /// What this build speaks.
    pub const OURS: Self =
        Self { oldest: 1, newest: super::VERSION, capabilities: Capabilities::OFFERED };
    /// What a build speaks that makes no offer.
    pub const SILENT: Self = Self::only(WITHOUT_OFFERS);

    /// An offer of these versions, oldest and newest.
    ///
    /// # Errors
    /// The newest is older than the oldest, or has no offers.
    pub const fn new(
        oldest: u16,
        newest: u16,
        capabilities: Capabilities,
    ) -> Result<Self, InvalidOffer> {
        match newest <= WITHOUT_OFFERS || newest < oldest {
            true => Err(InvalidOffer),
            false => Ok(Self { oldest, newest, capabilities }),
        }
    }

    const fn only(version: u16) -> Self {
        Self { oldest: version, newest: version, capabilities: Capabilities::NONE }
    }

    /// The oldest version.
    pub const fn oldest(self) -> u16 {
        self.oldest
    }

    /// The newest version.
    pub const fn newest(self) -> u16 {
        self.newest
    }

    /// What is offered beside the versions.
    pub const fn capabilities(self) -> Capabilities {
        self.capabilities
    }

    /// What an end with this offer says to one with the other: nothing where nothing was said.
    #[must_use]
    pub const fn in_reply_to(self, other: Self) -> Self {
        if other.newest > WITHOUT_OFFERS { self } else { Self::SILENT }
    }

    /// What both ends speak; the same at either of them. `None` if they have no version in common.
    pub fn agree(self, other: Self) -> Option<Terms> {
        let version = self.newest.min(other.newest);
        let capabilities = self.capabilities.shared_with(other.capabilities);
        (version >= self.oldest.max(other.oldest)).then_some(Terms { version, capabilities })
    }

    /// How many bytes [`Self::encode`] appends.
    pub(super) const fn encoded_length(self) -> usize {
        if self.newest > WITHOUT_OFFERS { 1 + ENCODED_BYTES as usize } else { 0 }
    }

    /// Appends what a hello or a welcome says beside the newest version, which stands at their
    /// beginning in every version: nothing where no offer is made.
    pub(super) fn encode(self, out: &mut impl BufMut) {
        if self.newest > WITHOUT_OFFERS {
            out.put_u8(ENCODED_BYTES);
            out.put_u16_le(self.oldest);
            out.put_u64_le(self.capabilities.bits());
        }
    }

    /// Reads what [`Self::encode`] wrote, or a newer build with more behind it.
    pub(super) fn decode(newest: u16, reader: &mut Reader<'_>) -> Result<Self, LinkError> {
        if newest <= WITHOUT_OFFERS {
            return Ok(Self::only(newest));
        }
        let length = reader.u8()?;
        let mut offer = Reader(reader.bytes(length.into())?);
        let (oldest, capabilities) = (offer.u16()?, Capabilities::from_bits(offer.u64()?));
        Self::new(oldest, newest, capabilities)
            .map_err(|invalid| LinkError::Malformed(invalid.to_string()))
    }
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { oldest, newest, capabilities } = self;
        write!(f, "versions={oldest}-{newest}; capabilities={:x}", capabilities.bits())
    }
}

impl FromStr for Offer {
    type Err = InvalidOffer;

    /// Parameters of other names are a newer build's and passed over.
    fn from_str(text: &str) -> Result<Self, InvalidOffer> {
        let parameters = text.split(';').filter_map(|parameter| parameter.trim().split_once('='));
        let (mut versions, mut capabilities) = (None, None);
        for (name, value) in parameters {
            match name {
                "versions" => versions = value.split_once('-'),
                "capabilities" => capabilities = u64::from_str_radix(value, 16).ok(),
                _ => {}
            }
        }
        let (Some((oldest, newest)), Some(bits)) = (versions, capabilities) else {
            return Err(InvalidOffer);
        };
        let version = |text: &str| text.parse().map_err(|_| InvalidOffer);
        Self::new(version(oldest)?, version(newest)?, Capabilities::from_bits(bits))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn offer(oldest: u16, newest: u16, bits: u64) -> Offer {
        Offer::new(oldest, newest, Capabilities::from_bits(bits)).expect("an offer")
    }

    #[test]
    fn the_newest_version_of_both_is_spoken() {
        let cases = [
            (Offer::OURS, Offer::OURS, Some(2)),
            (Offer::OURS, Offer::SILENT, Some(1)),
            (offer(1, 5, 0), offer(3, 4, 0), Some(4)),
            (offer(3, 4, 0), offer(1, 3, 0), Some(3)),
            (offer(3, 4, 0), offer(1, 2, 0), None),
            (offer(2, 2, 0), Offer::SILENT, None),
        ];
        for (one, other, expected) in cases {
            assert_eq!(one.agree(other).map(Terms::version), expected, "{one} {other}");
        }
    }

    #[test]
    fn who_asks_for_more_than_is_offered_does_not_get_it() {
        let terms = Offer::OURS.agree(offer(1, u16::MAX, u64::MAX)).expect("common ground");
        assert_eq!(terms.version(), super::super::VERSION);
        assert_eq!(terms.capabilities(), Capabilities::OFFERED);
    }

    #[test]
    fn a_build_without_offers_is_made_none() {
        assert_eq!(Offer::OURS.in_reply_to(Offer::SILENT), Offer::SILENT);
        assert_eq!(Offer::OURS.in_reply_to(offer(7, 9, 0)), Offer::OURS);
    }

    #[test]
    fn what_a_newer_build_adds_is_passed_over() {
        let newer = "colour=blue;versions=2-9 ; capabilities=ff; motto";
        assert_eq!(newer.parse(), Ok(offer(2, 9, 0xff)));
        let read: Offer = newer.parse().expect("an offer");
        assert_eq!((read.oldest(), read.newest(), read.capabilities().bits()), (2, 9, 0xff));
        let wrong = ["", "versions=1-2", "capabilities=1", "versions=2-1; capabilities=0"];
        let more = ["versions=1-1; capabilities=0", "versions=x-2; capabilities=0"];
        let last = ["versions=1-70000; capabilities=0", "versions=1-2; capabilities=g"];
        for text in wrong.into_iter().chain(more).chain(last) {
            assert_eq!(text.parse::<Offer>(), Err(InvalidOffer), "{text}");
        }
    }

    proptest! {
        #[test]
        fn both_ends_agree_on_the_same(
            one in (0_u16..6, 2_u16..9, any::<u64>()),
            other in (0_u16..6, 2_u16..9, any::<u64>()),
        ) {
            let offer = |(oldest, newest, bits): (u16, u16, u64)| {
                Offer::new(oldest, newest, Capabilities::from_bits(bits))
            };
            if let (Ok(one), Ok(other)) = (offer(one), offer(other)) {
                prop_assert_eq!(one.agree(other), other.agree(one));
                prop_assert_eq!(one.to_string().parse(), Ok(one));
            }
        }
    }
}
