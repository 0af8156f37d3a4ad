//! What the two ends of a link have agreed on.
//!
//! Each end has an [`Offer`](super::Offer): the versions and capabilities it can speak. The
//! [`Terms`] follow from the two offers in the same way at both ends, once, when the link begins;
//! from then on whoever writes or reads a frame asks them.
//!
//! Builds of version 1 made no offer and ended a link whose first frame had another version. So
//! the offers travel in a header field ([`OFFER_HEADER`](super::OFFER_HEADER)) of the upgrade's
//! request first, which such builds ignore: the gateway answers with its own only where there was
//! one, and pusher-api says a hello with an offer only where there was an answer. Nobody guesses,
//! and nobody tries twice. The offers in hello and welcome then decide; a proxy that drops the field
//! only costs what is new.

use super::{
    capability::{Capabilities, Capability},
    layout::EntryLayout,
};

/// The version whose builds made no offer.
pub(super) const WITHOUT_OFFERS: u16 = 1;

/// What a link speaks, decided once when it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    pub(super) version: u16,
    pub(super) capabilities: Capabilities,
}

impl Terms {
    /// The version both ends speak.
    pub const fn version(self) -> u16 {
        self.version
    }

    /// What both offered.
    pub const fn capabilities(self) -> Capabilities {
        self.capabilities
    }

    /// How pushes stand in batches.
    pub const fn entries(self) -> EntryLayout {
        match self.capabilities.contains(Capability::FramedEntries) {
            true => EntryLayout::Framed,
            false => EntryLayout::Bare,
        }
    }

    /// Whether the gateway says how far it is behind with pushes to topics and to everybody.
    pub const fn tells_fan_out_work(self) -> bool {
        self.capabilities.contains(Capability::FanOutWork)
    }

    /// Whether the gateway tells how much room it has, and is told how much others have.
    pub const fn tells_load(self) -> bool {
        self.capabilities.contains(Capability::LoadAndRoom)
    }

    /// Whether the gateway tells which topics somebody there is subscribed to.
    pub const fn tells_topics(self) -> bool {
        self.capabilities.contains(Capability::TopicInterest)
    }

    /// Whether the gateway tells sessions of pushes that were given up.
    pub const fn takes_given_up(self) -> bool {
        self.capabilities.contains(Capability::GivenUpPushes)
    }

    /// Whether the gateway asks what time it is at pusher-api.
    pub const fn exchanges_times(self) -> bool {
        self.capabilities.contains(Capability::Clocks)
    }

    /// Whether gateways tell of devices, and are told of those of others.
    pub const fn claims_devices(self) -> bool {
        self.capabilities.contains(Capability::DeviceClaims)
    }

    /// Whether requests for sessions of other gateways are passed on.
    pub const fn relays(self) -> bool {
        self.capabilities.contains(Capability::RelayedFrames)
    }

    /// Whether the gateway asks pusher-api's store what is kept, and acknowledges it.
    pub const fn keeps(self) -> bool {
        self.capabilities.contains(Capability::StoreQuestions)
            && self.capabilities.contains(Capability::Acknowledgements)
            && self.capabilities.contains(Capability::ChangedHeads)
    }

    /// Whether the other end understands [`super::LinkAnswer::Unsupported`].
    pub const fn may_answer_unsupported(self) -> bool {
        self.version > WITHOUT_OFFERS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_without_offers_gets_what_it_knows() {
        let terms = Terms { version: WITHOUT_OFFERS, capabilities: Capabilities::NONE };
        assert_eq!((terms.entries(), terms.may_answer_unsupported()), (EntryLayout::Bare, false));
        let terms = Terms { version: super::super::VERSION, capabilities: Capabilities::OFFERED };
        assert_eq!((terms.entries(), terms.may_answer_unsupported()), (EntryLayout::Framed, true));
    }

    #[test]
    fn what_only_one_end_offered_is_not_spoken() {
        let none = Terms { version: 2, capabilities: Capabilities::NONE };
        let all = Terms { capabilities: Capabilities::OFFERED, ..none };
        let spoken = |it: Terms| {
            let of_gateways =
                [it.tells_fan_out_work(), it.takes_given_up(), it.tells_topics(), it.tells_load()];
            (of_gateways, [it.exchanges_times(), it.claims_devices(), it.relays(), it.keeps()])
        };
        assert_eq!((spoken(none), spoken(all)), (([false; 4], [false; 4]), ([true; 4], [true; 4])));
        assert_eq!((all.version(), all.capabilities()), (2, Capabilities::OFFERED));
    }
}
