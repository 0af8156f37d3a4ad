//! How a gateway's descriptors are shared out, so that neither its sessions nor connections that
//! are none keep the others, or its operators, out.

/// Of a gateway's own: listeners, timers, links, files that it reads.
const OWN: u64 = 256;
/// Of connections at the operators' port that are no links.
const OPERATORS: u64 = 512;
/// The fewest, whatever there is: health and metrics are asked for at once.
const FEWEST_OPERATORS: u64 = 8;
/// The most that are kept for connections that are not sessions yet, if nothing else is said.
pub const MOST_PENDING: u64 = 8_192;
/// The fewest.
const FEWEST_PENDING: u64 = 16;
/// One descriptor in so many is kept for them.
const SHARE_PENDING: u64 = 32;

/// For what a process's descriptors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// Sessions.
    pub sessions: u64,
    /// Clients' connections that are not sessions.
    pub pending: u64,
    /// Operators' connections.
    pub operators: u64,
}

impl Places {
    /// Shares out so many descriptors, at most `most_pending` of them for connections that are not
    /// sessions. A process with few keeps less of each kind.
    pub fn of(descriptors: u64, most_pending: u64) -> Self {
        let operators = OPERATORS.min(descriptors / 8).max(FEWEST_OPERATORS);
        let left = descriptors.saturating_sub(OWN.min(descriptors / 4) + operators);
        let pending = (left / SHARE_PENDING).max(FEWEST_PENDING).min(most_pending).max(1);
        Self { sessions: left.saturating_sub(pending).max(1), pending, operators }
    }
}

/// How many descriptors a gateway needs for so many sessions.
pub fn descriptors_for(sessions: u64) -> u64 {
    let has_room = |descriptors| Places::of(descriptors, MOST_PENDING).sessions >= sessions;
    // A process with few descriptors keeps at most five eighths of them back, and the fewest pending.
    let (mut too_few, mut enough) = (0, sessions.saturating_mul(3).saturating_add(64));
    while enough - too_few > 1 {
        let between = too_few + (enough - too_few) / 2;
        match has_room(between) {
            true => enough = between,
            false => too_few = between,
        }
    }
    enough
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn everybody_gets_a_share() {
        let cases = [
            (100, [47, 16, 12]),
            (300, [172, 16, 37]),
            (1_024, [620, 20, 128]),
            (20_000, [18_631, 601, 512]),
            (1_048_576, [1_039_616, 8_192, 512]),
        ];
        for (descriptors, expected) in cases {
            let Places { sessions, pending, operators } = Places::of(descriptors, MOST_PENDING);
            assert_eq!([sessions, pending, operators], expected, "{descriptors}");
        }
        assert_eq!(Places::of(20_000, 5).pending, 5);
    }

    #[test]
    fn a_million_sessions_fit_under_the_usual_fs_nr_open() {
        assert!(descriptors_for(1_000_000) < 1 << 20);
    }

    proptest! {
        #[test]
        fn what_is_shared_out_is_there(descriptors in 64_u64..3_000_000, most in 1_u64..20_000) {
            let Places { sessions, pending, operators } = Places::of(descriptors, most);
            prop_assert!(sessions + pending + operators + descriptors.min(OWN * 4) / 4 <= descriptors);
            prop_assert!(pending <= most && pending > 0 && sessions > 0);
        }

        #[test]
        fn so_many_descriptors_are_enough_and_hardly_more(sessions in 1_u64..3_000_000) {
            let needed = descriptors_for(sessions);
            prop_assert!(Places::of(needed, MOST_PENDING).sessions >= sessions);
            prop_assert!(Places::of(needed.saturating_sub(16), MOST_PENDING).sessions < sessions.max(2));
        }
    }
}
