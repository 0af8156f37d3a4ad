//! Requests that a foreign web page may have sent, or somebody behind a proxy.
//!
//! In development nobody shows who they are: who reaches a port on loopback is the developer. A
//! browser reaches it, too, for every page it has open, and sends what the page says; a reverse proxy
//! does for everybody. What browsers and proxies write into requests tells them apart.

use std::net::IpAddr;

/// What browsers and proxies write into a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Marks<'a> {
    /// The `Host` field.
    pub host: Option<&'a str>,
    /// The `Origin` field.
    pub origin: Option<&'a str>,
    /// The `Sec-Fetch-Site` field.
    pub fetch_site: Option<&'a str>,
    /// Whether a proxy has left a mark.
    pub is_forwarded: bool,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Foreign {
    /// It came through a proxy: from whom, only the proxy knows.
    #[error("development: requests that were forwarded are not taken; configure keys instead")]
    Forwarded,
    /// A name that leads here, and is not this machine's own (DNS rebinding); or the port that a container's is
    /// published under, where that is another.
    #[error(
        "development: Host has to be localhost or an address on loopback, with the port that is listened on here; \
         a container's is published under its own number"
    )]
    Host,
    /// Another page's.
    #[error("development: Origin is neither on loopback nor given with --allow-origin")]
    Origin,
    /// A page of an origin that is not let in.
    #[error("Origin is none of those given with --allow-origin")]
    NotLetIn,
    /// A browser says so.
    #[error("development: requests from pages of other sites are not taken")]
    Site,
}

/// Fields that proxies write.
const PROXIES: [&str; 4] = ["forwarded", "via", "x-real-ip", "x-forwarded-"];

impl<'a> Marks<'a> {
    /// Reads the marks off a request's fields; names may be in any case.
    pub fn read<'b: 'a>(fields: impl IntoIterator<Item = (&'a str, &'b [u8])>) -> Self {
        let mut marks = Self::default();
        for (name, value) in fields {
            // What is no text fits nothing that is taken.
            let value = std::str::from_utf8(value).unwrap_or("?");
            let once = |mark: &mut Option<&'a str>| {
                *mark = Some(if mark.is_some() { "?" } else { value });
            };
            match name {
                _ if name.eq_ignore_ascii_case("host") => once(&mut marks.host),
                _ if name.eq_ignore_ascii_case("origin") => once(&mut marks.origin),
                _ if name.eq_ignore_ascii_case("sec-fetch-site") => once(&mut marks.fetch_site),
                _ => marks.is_forwarded |= is_of_a_proxy(name),
            }
        }
        marks
    }

    /// Checks that the developer may have sent the request to one of these ports; pages of `allowed` origins
    /// are theirs, too.
    ///
    /// # Errors
    /// Says what tells that it was somebody else.
    pub fn check(&self, ports: &[u16], allowed: &[String]) -> Result<(), Foreign> {
        if self.is_forwarded {
            return Err(Foreign::Forwarded);
        }
        if !self.host.is_some_and(|host| is_loopback(host, Some(ports))) {
            return Err(Foreign::Host);
        }
        match self.origin {
            Some(origin) if allowed.iter().any(|one| one == origin) => return Ok(()),
            Some(origin) if !is_own_page(origin, allowed) => return Err(Foreign::Origin),
            Some(_) | None => {}
        }
        match self.fetch_site {
            Some("cross-site" | "?") => Err(Foreign::Site),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether pages of an origin are the developer's: they are on this machine, or of an `allowed` origin.
pub fn is_own_page(origin: &str, allowed: &[String]) -> bool {
    allowed.iter().any(|one| one == origin) || is_loopback_origin(origin)
}

fn is_of_a_proxy(name: &str) -> bool {
    PROXIES.iter().any(|known| match known.strip_suffix('-') {
        Some(_) => name.get(..known.len()).is_some_and(|it| it.eq_ignore_ascii_case(known)),
        None => name.eq_ignore_ascii_case(known),
    })
}

/// Whether an origin (RFC 6454 section 6.1) is a page's on this machine, at any port.
fn is_loopback_origin(origin: &str) -> bool {
    let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    authority.is_some_and(|authority| is_loopback(authority, None))
}

/// Whether an authority is this machine's own, at one of these ports where they are asked for. Left out, the port
/// is that of http.
fn is_loopback(authority: &str, ports: Option<&[u16]>) -> bool {
    let split = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let (host, given) = match split {
        (host, "") => (host, Some(80)),
        (host, given) => {
            (host, given.strip_prefix(':').and_then(|given| given.parse::<u16>().ok()))
        }
    };
    let Some(given) = given else { return false };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse().ok().filter(IpAddr::is_ipv6),
        None => host.parse().ok().filter(IpAddr::is_ipv4),
    };
    let is_here =
        host.eq_ignore_ascii_case("localhost") || address.is_some_and(|it| it.is_loopback());
    is_here && ports.is_none_or(|ports| ports.contains(&given))
}

#[cfg(test)]
mod tests;
