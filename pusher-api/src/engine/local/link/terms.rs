//! What a link is going to speak, as seen from here; see [`protocol::link::terms`].

use protocol::link::{OFFER_HEADER, Offer, Terms};

use super::failure::Failure;

/// What the gateway offers in the head of its response. A build of version 1 says nothing there,
/// and what cannot be read says nothing, either.
pub(super) fn announced(headers: &[httparse::Header<'_>]) -> Offer {
    let field = headers.iter().find(|field| field.name.eq_ignore_ascii_case(OFFER_HEADER));
    let text = field.and_then(|field| std::str::from_utf8(field.value).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or(Offer::SILENT)
}

/// What is said in the hello to a gateway that announced this.
pub(super) fn to_say(announced: Offer) -> Result<Offer, Failure> {
    agree(Offer::OURS, announced).map(|_| Offer::OURS.in_reply_to(announced))
}

/// What follows from the hello and the welcome.
pub(super) fn agree(said: Offer, welcomed: Offer) -> Result<Terms, Failure> {
    said.agree(welcomed).ok_or(Failure::Versions(welcomed))
}

#[cfg(test)]
mod tests {
    use protocol::link::{Capabilities, EntryLayout};

    use super::*;

    fn announce(value: &[u8]) -> Offer {
        let field = |name, value| httparse::Header { name, value };
        announced(&[field("Upgrade", b"holdfast-link"), field("Holdfast-Link-Offer", value)])
    }

    #[test]
    fn a_response_without_an_offer_is_one_of_version_1() {
        assert_eq!(announced(&[]), Offer::SILENT);
        assert_eq!(announce(Offer::OURS.to_string().as_bytes()), Offer::OURS);
        assert_eq!(announce(b"what?"), Offer::SILENT);
        assert_eq!(announce(b"\xff"), Offer::SILENT);
    }

    #[test]
    fn the_hello_makes_an_offer_only_where_one_was_made() {
        assert_eq!(to_say(Offer::SILENT).ok(), Some(Offer::SILENT));
        assert_eq!(to_say(Offer::OURS).ok(), Some(Offer::OURS));
        let strange = Offer::new(300, 400, Capabilities::NONE).expect("an offer");
        assert!(matches!(to_say(strange), Err(Failure::Versions(said)) if said == strange));
        let terms = agree(Offer::OURS, Offer::SILENT).expect("version 1");
        assert_eq!(terms.entries(), EntryLayout::Bare);
    }
}
