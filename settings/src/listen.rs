//! Listening addresses: one IP, one port or a range of ports.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
};

/// `0.0.0.0:8080`, `[::1]:8080`, `127.0.0.1:8100-8199`, or port 0 for any free one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenRange {
    ip: IpAddr,
    ports: RangeInclusive<u16>,
}

impl ListenRange {
    /// Every address of the range.
    pub fn addresses(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.ports.clone().map(|port| SocketAddr::new(self.ip, port))
    }

    /// Whether only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        self.ip.is_loopback()
    }
}

impl FromStr for ListenRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, ports) = text
            .rsplit_once(':')
            .ok_or("an address is IP:PORT or IP:FIRST-LAST, like 0.0.0.0:8080")?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let ip = match bare {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => bare.parse().map_err(|_| {
                format!("{host:?} should be an IP address; write IP:PORT, like 0.0.0.0:8080")
            })?,
        };
        Ok(Self { ip, ports: ports_of(ports)? })
    }
}

impl fmt::Display for ListenRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", SocketAddr::new(self.ip, *self.ports.start()))?;
        if self.ports.start() != self.ports.end() {
            write!(f, "-{}", self.ports.end())?;
        }
        Ok(())
    }
}

/// Parses `8080` or `8100-8199`.
pub(crate) fn ports_of(text: &str) -> Result<RangeInclusive<u16>, String> {
    let port = |text: &str| {
        text.parse::<u16>().map_err(|_| format!("{text:?} should be a port number, 0 to 65535"))
    };
    let Some((first, last)) = text.split_once('-') else {
        return port(text).map(|port| port..=port);
    };
    let range = port(first)?..=port(last)?;
    if range.is_empty() || *range.start() == 0 {
        return Err(format!("{text:?} should be a range of ports, like 8100-8199"));
    }
    Ok(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_parse() {
        let cases = [
            ("0.0.0.0:8080", "0.0.0.0:8080", 1, false),
            ("[::1]:1-3", "[::1]:1-3", 3, true),
            ("localhost:0", "127.0.0.1:0", 1, true),
            ("127.0.0.1:8100-8199", "127.0.0.1:8100-8199", 100, true),
        ];
        for (text, shown, count, loopback) in cases {
            let range: ListenRange = text.parse().expect(text);
            assert_eq!(range.to_string(), shown);
            assert_eq!(range.addresses().count(), count);
            assert_eq!(range.is_loopback(), loopback);
        }
    }

    #[test]
    fn wrong_ranges_are_refused() {
        for text in ["8080", "host:80", "1.2.3.4:x", "1.2.3.4:70000", "1.2.3.4:9-8", "1.2.3.4:0-9"]
        {
            assert!(text.parse::<ListenRange>().is_err(), "{text}");
        }
    }
}
