//! Addresses of servers to connect to: a scheme, a host, one port or a range of ports.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::listen::ports_of;

/// `http://gateway-0:8082`, `ws://127.0.0.1:8100-8199/v1/ws`, `tcp://[::1]:8081`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// In lower case, without `://`.
    pub scheme: String,
    /// A name or an IP address, without brackets.
    pub host: String,
    /// One port, or several that stand for one server each.
    pub ports: RangeInclusive<u16>,
    /// With its leading slash, or empty.
    pub path: String,
}

impl Endpoint {
    /// The host as requests and URLs name it: brackets around an IPv6 address (RFC 3986 section 3.2.2).
    pub fn bracketed_host(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        }
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "a URL here is SCHEME://HOST:PORT or SCHEME://HOST:FIRST-LAST";
        let (scheme, rest) = text.split_once("://").ok_or(expected)?;
        let split = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(split);
        let (host, ports) = authority.rsplit_once(':').ok_or(expected)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if scheme.is_empty() || host.is_empty() {
            return Err(expected.into());
        }
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            host: host.to_owned(),
            ports: ports_of(ports)?,
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, ports, path, .. } = self;
        write!(f, "{scheme}://{}:{}", self.bracketed_host(), ports.start())?;
        if ports.start() != ports.end() {
            write!(f, "-{}", ports.end())?;
        }
        f.write_str(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_survive_printing() {
        for text in ["http://h:1", "ws://127.0.0.1:8100-8199/v1/ws", "tcp://[::1]:8081"] {
            assert_eq!(text.parse::<Endpoint>().expect(text).to_string(), text);
        }
        for text in ["h:1", "http://h", "http://:1", "http://h:0-1", "://h:1"] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
