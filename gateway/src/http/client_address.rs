//! Where a client is that came through a proxy: for showing and for logs; no right hangs on it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

/// An address, and its port where that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    /// The address; one of IPv4 is not written as one of IPv6.
    pub ip: IpAddr,
    /// The port; 0 where it is not known.
    pub port: u16,
}

impl ClientAddress {
    /// The address with this port.
    pub(crate) fn new(ip: IpAddr, port: u16) -> Self {
        Self { ip: ip.to_canonical(), port }
    }

    /// What a text in a header field says: an address, one of IPv6 in brackets where a port may follow. A
    /// port that its proxy keeps to itself (RFC 7239, section 6) is not known.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse() {
            return Some(Self::new(ip, 0));
        }
        if let Some(bracketed) = text.strip_prefix('[') {
            let (ip, rest) = bracketed.split_once(']')?;
            let port = if rest.is_empty() { 0 } else { port(rest.strip_prefix(':')?)? };
            return Some(Self::new(IpAddr::V6(ip.parse().ok()?), port));
        }
        let (ip, given) = text.split_once(':')?;
        Some(Self::new(IpAddr::V4(ip.parse().ok()?), port(given)?))
    }
}

fn port(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.strip_prefix('_') {
        Some(name) if !name.is_empty() => Some(0),
        Some(_) => None,
        None if is_number => text.parse().ok(),
        None => None,
    }
}

impl From<SocketAddr> for ClientAddress {
    fn from(address: SocketAddr) -> Self {
        Self { ip: address.ip(), port: address.port() }
    }
}

impl From<ClientAddress> for SocketAddr {
    fn from(address: ClientAddress) -> Self {
        Self::new(address.ip, address.port)
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            0 => write!(f, "{}", self.ip),
            port => write!(f, "{}", SocketAddr::new(self.ip, port)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown() {
        for (text, shown) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("192.0.2.1:4711", Some("192.0.2.1:4711")),
            ("192.0.2.1:_hidden", Some("192.0.2.1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("[2001:db8::1]:4711", Some("[2001:db8::1]:4711")),
            ("[::ffff:192.0.2.1]:1", Some("192.0.2.1:1")),
            ("192.0.2.1:0", Some("192.0.2.1")),
            ("192.0.2.1:", None),
            ("192.0.2.1:_", None),
            ("192.0.2.1:65536", None),
            ("192.0.2.1:+1", None),
            ("[192.0.2.1]", None),
            ("[2001:db8::1", None),
            ("[2001:db8::1]x", None),
            ("fe80::1%eth0", None),
            ("unknown", None),
            ("_gazonk", None),
            ("", None),
        ] {
            let address = ClientAddress::read(text).map(|address| address.to_string());
            assert_eq!(address.as_deref(), shown, "{text}");
        }
    }
}
