//! The table of connections that firewalls and address translation keep.

use super::Case;
use crate::row::{Row, Scope, Unit};

/// Entries outlive their connections by two minutes, so turnover needs room, too.
const ENTRIES_PER_SESSION: u64 = 2;
/// Entries in a bucket on average; more makes each packet slower.
const CHAIN: u64 = 8;

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    // 0 stands for no limit.
    let Some(most) = case.get("net.netfilter.nf_conntrack_max").filter(|most| *most > 0) else {
        return Vec::new();
    };
    let counters = &case.machine.counters;
    let needed = case.wanted().saturating_mul(ENTRIES_PER_SESSION);
    let others = counters.conntrack.saturating_sub(case.held());
    let full = counters.conntrack >= most;
    let hit = full || counters.conntrack_drops > 0;
    let table = Row::new(
        "net.netfilter.nf_conntrack_max",
        Scope::Host,
        Unit::Count,
        "SYNs vanish, connect: timeouts; kernel log: nf_conntrack: table full, dropping packet",
    )
    .at_least(Some(most), needed)
    .fitting(Some(most.saturating_sub(others)), case.wanted())
    .hit_if(hit, || match full {
        true => format!("the table holds {} of {most} now", counters.conntrack),
        false => format!("{} connections dropped", counters.conntrack_drops),
    })
    .raise(needed.max(counters.conntrack.saturating_mul(2)))
    .remark("kube-proxy sets it back (--conntrack-max-per-core)");
    let buckets = Row::new(
        "net.netfilter.nf_conntrack_buckets",
        Scope::Host,
        Unit::Count,
        "every packet searches a long chain",
    )
    .at_least(case.get("net.netfilter.nf_conntrack_buckets"), needed / CHAIN)
    .raise((needed / CHAIN).next_power_of_two())
    .as_advice();
    // The setting is there wherever the module is; entries are there only where rules use it.
    match (counters.conntrack, case.machine.in_first_network) {
        (0, true) => {
            let why = "nothing is tracked in this network namespace";
            vec![table.without_effect(why), buckets.without_effect(why)]
        }
        // What a container's packets pass on the host, nobody says in here.
        (0, false) => {
            let why = "nothing is tracked in this network namespace; whether the host tracks its \
                       connections cannot be seen from here: run doctor on the host, too";
            vec![table.not_known(why), buckets.not_known(why)]
        }
        _ => vec![table, buckets],
    }
}
