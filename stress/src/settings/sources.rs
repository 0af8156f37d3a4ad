//! The addresses that sessions connect from: each is worth another 28,000 ports or so.

use std::{
    net::{IpAddr, Ipv4Addr},
    ops::RangeInclusive,
    str::FromStr,
};

/// One address, or every IPv4 address from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sources {
    /// Just this one.
    One(IpAddr),
    /// All from the first to the last.
    Range(RangeInclusive<Ipv4Addr>),
}

impl Sources {
    /// Every address.
    pub fn addresses(&self) -> Vec<IpAddr> {
        match self {
            Self::One(address) => vec![*address],
            Self::Range(range) => (range.start().to_bits()..=range.end().to_bits())
                .map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits)))
                .collect(),
        }
    }
}

impl FromStr for Sources {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address or range, like 127.0.0.2-127.0.0.33");
        let Some((first, last)) = text.split_once('-') else {
            return text.parse().map(Self::One).map_err(|_| wrong());
        };
        let bound = |text: &str| text.parse::<Ipv4Addr>().map_err(|_| wrong());
        let range = bound(first)?..=bound(last)?;
        match range.end().to_bits().checked_sub(range.start().to_bits()) {
            Some(0..=65_535) => Ok(Self::Range(range)),
            _ => Err(format!("{text:?} must go up and hold 65,536 addresses at most")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_parse() {
        let cases = [("127.0.0.2-127.0.0.33", 32), ("10.0.0.255-10.0.1.0", 2), ("::1", 1)];
        for (text, count) in cases {
            assert_eq!(text.parse::<Sources>().expect(text).addresses().len(), count);
        }
        for text in ["", "x", "10.0.0.2-10.0.0.1", "1.0.0.0-2.0.0.0", "::1-::2"] {
            assert!(text.parse::<Sources>().is_err(), "{text}");
        }
    }
}
