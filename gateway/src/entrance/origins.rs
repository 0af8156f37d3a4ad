//! Which web pages may open sessions here, and read what they are answered.

use std::net::TcpStream;

use protocol::foreign::{Foreign, Marks, is_own_page};

use crate::{http::request::Request, settings::Settings};

/// Any origin.
const ANY: &str = "*";

/// Checks that no page has sent the request that must not: in development none of another site, and nobody
/// behind a proxy; with keys none of an origin that is not let in, where some are named.
///
/// # Errors
/// Says what tells that one has.
pub(super) fn check(
    settings: &Settings,
    request: &Request<'_>,
    socket: &TcpStream,
) -> Result<(), Foreign> {
    let allowed = &settings.development.allow_origin;
    if settings.development.development {
        // A connection whose address is not known any more is gone.
        let port = socket.local_addr().map_or(0, |address| address.port());
        return Marks::read(request.all_fields()).check(&[port], allowed);
    }
    match request.field("origin") {
        Some(origin) if !lets_in(allowed, origin) => Err(Foreign::NotLetIn),
        _ => Ok(()),
    }
}

/// The origin that may read the answer, as `Access-Control-Allow-Origin` names it (Fetch, section 3.3.3);
/// none if the request comes from no page of another origin, or from one that may not.
pub(super) fn reader<'a>(settings: &Settings, request: &Request<'a>) -> Option<&'a str> {
    let origin = request.field("origin")?;
    let allowed = &settings.development.allow_origin;
    if settings.development.development {
        return is_own_page(origin, allowed).then_some(origin);
    }
    match allowed.is_empty() || allowed.iter().any(|one| one == ANY) {
        true => Some(ANY),
        false => lets_in(allowed, origin).then_some(origin),
    }
}

/// Nothing here is proved by what a browser adds by itself, so with keys any page may come unless some are
/// named.
fn lets_in(allowed: &[String], origin: &str) -> bool {
    allowed.is_empty() || allowed.iter().any(|one| one == ANY || one == origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    #[test]
    fn with_keys_any_page_may_read_unless_some_are_named() {
        let cases: [(&[&str], &str, Option<&str>); 7] = [
            (&[], "https://a", Some("*")),
            (&["--allow-origin=*"], "https://a", Some("*")),
            (&["--allow-origin=https://a"], "https://a", Some("https://a")),
            (
                &["--allow-origin=https://a", "--allow-origin=https://b"],
                "https://b",
                Some("https://b"),
            ),
            (&["--allow-origin=https://a"], "https://b", None),
            (&["--development"], "http://localhost:3000", Some("http://localhost:3000")),
            (&["--development"], "https://a", None),
        ];
        for (flags, origin, expected) in cases {
            let text = format!("GET / HTTP/1.1\r\nHost: h\r\nOrigin: {origin}\r\n\r\n");
            let (request, _) = Request::read(text.as_bytes()).unwrap().unwrap();
            assert_eq!(reader(&settings(flags), &request), expected, "{flags:?} {origin}");
        }
        let (request, _) = Request::read(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap().unwrap();
        assert_eq!(reader(&settings(&[]), &request), None, "no page");
    }
}
