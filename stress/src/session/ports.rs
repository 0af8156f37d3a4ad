//! Local ports that are chosen here, because the kernel would search too long.
//!
//! A connect looks through the ports of one parity, that of the range's first, before it takes one
//! of the other (Linux, `__inet_hash_connect`): once those towards a server are used up, each connect
//! looks at all of them in vain, and a ramp goes on at some hundred a second. So the first half is
//! left to the kernel, and of the second half every session has a port of its own. Ports of the
//! first parity stay free for the connects of everybody else, which avoid ports that were bound.

use limits::sysctl;
use serde::{Deserialize, Serialize};

const RANGE: &str = "net.ipv4.ip_local_port_range";
const RESERVED: &str = "net.ipv4.ip_local_reserved_ports";

/// Ports of the second half.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    first: u16,
    /// How many ports have each parity.
    half: u32,
    /// Where a run begins among them, so that several runs rarely meet.
    offset: u32,
    /// Ranges that somebody else has reserved.
    reserved: Vec<(u16, u16)>,
}

impl Ports {
    /// Those of this machine; nothing where it does not say.
    pub(crate) fn read(offset: u32) -> Option<Self> {
        let reserved = sysctl::text(RESERVED).unwrap_or_default();
        Self::parse(&sysctl::text(RANGE).ok()?, &reserved, offset)
    }

    /// Those of a range as the kernel writes it, with what is reserved of it.
    pub(crate) fn parse(range: &str, reserved: &str, offset: u32) -> Option<Self> {
        let mut ends = range.split_whitespace().map(str::parse::<u16>);
        let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
        let half = u32::from(last.checked_sub(first)?.checked_add(1)? / 2);
        let one = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
        };
        Some(Self { first, half, offset, reserved: reserved.split(',').filter_map(one).collect() })
    }

    /// The port of the session that is number `turn` (from 0) between its source and its server;
    /// nothing where the kernel shall choose.
    pub(crate) fn of_turn(&self, turn: u32) -> Option<u16> {
        let beyond = turn.checked_sub(self.half).filter(|beyond| *beyond < self.half)?;
        let place = (u64::from(beyond) + u64::from(self.offset)) % u64::from(self.half);
        let port = self.first.checked_add(u16::try_from(2 * place + 1).ok()?)?;
        let is_reserved = |(first, last): &(u16, u16)| (*first..=*last).contains(&port);
        (!self.reserved.iter().any(is_reserved)).then_some(port)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_port_of_the_other_parity_comes_once() {
        let ports = Ports::parse("32768\t60999\n", "\n", 7).expect("a range");
        assert_eq!(ports.of_turn(14_115), None);
        let chosen: BTreeSet<_> = (14_116..28_232).filter_map(|turn| ports.of_turn(turn)).collect();
        assert_eq!(chosen.len(), 14_116);
        assert!(chosen.iter().all(|port| port % 2 == 1 && (32_768..61_000).contains(port)));
        assert_eq!(ports.of_turn(28_232), None);
    }

    #[test]
    fn what_is_reserved_is_left_alone() {
        let ports = Ports::parse("50000 50009", "50003,50006-50008", 0).expect("a range");
        let chosen: Vec<_> = (5..10).map(|turn| ports.of_turn(turn)).collect();
        assert_eq!(chosen, [Some(50_001), None, Some(50_005), None, Some(50_009)]);
        for wrong in ["", "1", "9 1", "x y"] {
            assert_eq!(Ports::parse(wrong, "", 0), None, "{wrong}");
        }
    }
}
