//! Ports that no connect is given: `net.ipv4.ip_local_reserved_ports`.

use std::{collections::BTreeSet, fmt};

/// A set of ports, read and written as the kernel does: `8080-8082,9000`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReservedPorts(BTreeSet<u16>);

impl ReservedPorts {
    /// What stands in the setting; what is no port there is left out.
    pub fn parse(text: &str) -> Self {
        let ends = |range: &str| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?))
        };
        let ranges = text.split(',').filter_map(ends);
        Self(ranges.flat_map(|(first, last)| first..=last).collect())
    }

    /// These and those.
    pub fn with(&self, ports: impl IntoIterator<Item = u16>) -> Self {
        Self(self.0.iter().copied().chain(ports).collect())
    }
}

impl fmt::Display for ReservedPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ports = self.0.iter().copied().peekable();
        let mut comma = "";
        while let Some(first) = ports.next() {
            let mut last = first;
            while let Some(next) = ports.next_if(|next| last.checked_add(1) == Some(*next)) {
                last = next;
            }
            match first == last {
                true => write!(f, "{comma}{first}")?,
                false => write!(f, "{comma}{first}-{last}")?,
            }
            comma = ",";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sets_are_read_and_written_as_ranges() {
        let read = ReservedPorts::parse("8090, 8080-8081,x,9-,70000\n");
        assert_eq!(read.to_string(), "8080-8081,8090");
        assert_eq!(read.with([8082, 8090, 65_535]).to_string(), "8080-8082,8090,65535");
        assert_eq!(ReservedPorts::parse("\n").to_string(), "");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ports in proptest::collection::btree_set(any::<u16>(), 0..50)) {
            let set = ReservedPorts::default().with(ports);
            prop_assert_eq!(ReservedPorts::parse(&set.to_string()), set);
        }

        #[test]
        fn any_text_is_survived(text in ".{0,60}") {
            let _ = ReservedPorts::parse(&text).to_string();
        }
    }
}
