//! Where key sets may be fetched from.

use std::{fmt, net::IpAddr, str::FromStr};

use ureq::http::Uri;

/// A URL of a key set: over https, or over http on loopback, where nobody listens in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyUrl(Uri);

/// Why something is no such URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidUrl {
    /// Not a URL with a host.
    #[error("it is no URL")]
    NotAUrl,
    /// Another scheme, or http to another machine.
    #[error("keys are fetched over https, or over http from loopback")]
    Insecure,
    /// A password would come up in logs.
    #[error("it holds a user name or password")]
    UserInfo,
    /// A redirect elsewhere.
    #[error("it redirects to another host")]
    OtherHost,
}

impl KeyUrl {
    /// Whether a URL is meant, and not a file.
    pub(crate) fn is_meant(text: &str) -> bool {
        text.contains("://")
    }

    /// As text.
    pub(crate) fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether it goes to this machine, without encryption.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme_str() == Some("http")
    }

    /// Where a redirect of this URL leads.
    ///
    /// # Errors
    /// Not to the same host in the same way.
    pub(crate) fn redirected(&self, location: &str) -> Result<Self, InvalidUrl> {
        let target = match location.strip_prefix('/') {
            Some(rest) if !rest.starts_with('/') => {
                let authority = self.0.authority().map_or("", |authority| authority.as_str());
                format!("{}://{authority}{location}", self.0.scheme_str().unwrap_or("https"))
            }
            _ => location.to_owned(),
        };
        let target: Self = target.parse()?;
        let place = |url: &Self| {
            let host = url.0.host().map(str::to_ascii_lowercase);
            (url.is_plain(), host, url.0.port_u16())
        };
        match place(&target) == place(self) {
            true => Ok(target),
            false => Err(InvalidUrl::OtherHost),
        }
    }
}

impl FromStr for KeyUrl {
    type Err = InvalidUrl;

    fn from_str(text: &str) -> Result<Self, InvalidUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidUrl::NotAUrl)?;
        let host = uri.host().filter(|host| !host.is_empty()).ok_or(InvalidUrl::NotAUrl)?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(InvalidUrl::UserInfo);
        }
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
        match uri.scheme_str() {
            Some("https") => Ok(Self(uri)),
            Some("http") if is_loopback => Ok(Self(uri)),
            _ => Err(InvalidUrl::Insecure),
        }
    }
}

/// Without its query, which may hold a secret.
impl fmt::Display for KeyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.0.authority().map_or("", |authority| authority.as_str());
        write!(f, "{}://{authority}{}", self.0.scheme_str().unwrap_or("https"), self.0.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_by_a_safe_way() {
        let cases = [
            ("https://issuer.example/keys?x=1", Ok("https://issuer.example/keys")),
            ("https://issuer:8443/", Ok("https://issuer:8443/")),
            ("http://127.0.0.1:80/keys", Ok("http://127.0.0.1:80/keys")),
            ("http://127.9.9.9/keys", Ok("http://127.9.9.9/keys")),
            ("http://[::1]:80/keys", Ok("http://[::1]:80/keys")),
            ("http://localhost/keys", Ok("http://localhost/keys")),
            ("http://issuer.example/keys", Err(InvalidUrl::Insecure)),
            ("http://localhost.example/keys", Err(InvalidUrl::Insecure)),
            ("http://10.0.0.1/keys", Err(InvalidUrl::Insecure)),
            ("ftp://127.0.0.1/keys", Err(InvalidUrl::Insecure)),
            ("file:///etc/keys", Err(InvalidUrl::NotAUrl)),
            ("https://u:p@issuer/keys", Err(InvalidUrl::UserInfo)),
            ("https://", Err(InvalidUrl::NotAUrl)),
        ];
        for (text, expected) in cases {
            let parsed = text.parse::<KeyUrl>().map(|url| url.to_string());
            assert_eq!(parsed.as_deref().map_err(|error| *error), expected, "{text}");
        }
    }

    #[test]
    fn redirects_stay_at_their_host() {
        let url: KeyUrl = "https://issuer.example/a/keys".parse().unwrap();
        let cases = [
            ("/b", Ok("https://issuer.example/b")),
            ("https://issuer.example/c", Ok("https://issuer.example/c")),
            ("https://ISSUER.example/c", Ok("https://ISSUER.example/c")),
            ("https://other.example/c", Err(InvalidUrl::OtherHost)),
            ("https://issuer.example:444/c", Err(InvalidUrl::OtherHost)),
            ("//other.example/c", Err(InvalidUrl::NotAUrl)),
            ("http://issuer.example/c", Err(InvalidUrl::Insecure)),
            ("http://127.0.0.1/c", Err(InvalidUrl::OtherHost)),
            ("https://issuer.example@other.example/", Err(InvalidUrl::UserInfo)),
        ];
        for (location, expected) in cases {
            let found = url.redirected(location).map(|url| url.to_string());
            assert_eq!(found.as_deref().map_err(|error| *error), expected, "{location}");
        }
    }
}
