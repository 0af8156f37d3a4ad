//! What a link is going to speak, as far as its HTTP request and the answer say so. Hello and
//! welcome decide; see [`protocol::link::terms`].

use actix_http::header::HeaderMap;
use protocol::{
    link::{OFFER_HEADER, Offer},
    problem::Problem,
};
use tracing::warn;

/// What the pusher-api offers in its request. A build of version 1 says nothing there, and what
/// cannot be read says nothing, either: it costs what is new, not the link.
///
/// # Errors
/// The problem to answer with: nothing that both sides speak.
pub(super) fn announced(headers: &HeaderMap) -> Result<Option<Offer>, Problem> {
    let Some(value) = headers.get(OFFER_HEADER) else { return Ok(None) };
    let Some(offer) = value.to_str().ok().and_then(|text| text.parse().ok()) else {
        warn!(?value, "the offer of a pusher-api cannot be read; the link begins without");
        return Ok(None);
    };
    match Offer::OURS.agree(offer) {
        Some(_) => Ok(Some(offer)),
        None => {
            let detail = format!("this gateway speaks {}, the pusher-api {offer}", Offer::OURS);
            Err(Problem::new(409, "No Common Version", detail))
        }
    }
}

/// The answer that makes the connection a link. Only who has made an offer is made one.
pub(super) fn switch(announced: Option<Offer>) -> String {
    let ours = Offer::OURS;
    let offer = announced.map(|_| format!("{OFFER_HEADER}: {ours}\r\n")).unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\
         upgrade: holdfast-link\r\n{offer}\r\n"
    )
}

#[cfg(test)]
mod tests {
    use actix_http::header::{HeaderName, HeaderValue};

    use super::*;

    fn announce(text: &str) -> Result<Option<Offer>, u16> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(text.as_bytes()).expect("a header's value");
        headers.insert(HeaderName::from_static(OFFER_HEADER), value);
        announced(&headers).map_err(|problem| problem.status)
    }

    #[test]
    fn offers_are_read_and_what_has_nothing_in_common_is_refused() {
        assert_eq!(announced(&HeaderMap::new()).map_err(|problem| problem.status), Ok(None));
        assert_eq!(announce(&Offer::OURS.to_string()), Ok(Some(Offer::OURS)));
        assert_eq!(announce("versions=300-400; capabilities=1"), Err(409));
        assert_eq!(announce("yes"), Ok(None));
        assert_eq!(announce("\u{e9}"), Ok(None));
    }

    #[test]
    fn who_made_no_offer_gets_the_answer_of_version_1() {
        let first = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\n\
                     upgrade: holdfast-link\r\n\r\n";
        assert_eq!(switch(None), first);
        let offering =
            format!("upgrade: holdfast-link\r\nholdfast-link-offer: {}\r\n\r\n", Offer::OURS);
        assert!(switch(Some(Offer::OURS)).ends_with(&offering));
    }
}
