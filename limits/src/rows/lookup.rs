//! How fast the kernel finds the socket that a packet is for. Nothing fails here, all gets dearer.

use super::{Case, MANY};
use crate::row::{Row, Scope, Unit};

/// Sockets that a packet may have to be compared with.
const SOCKETS_PER_BUCKET: u64 = 2;

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    case.get("net.ipv4.tcp_ehash_entries")
        .map(|entries| buckets(case, entries))
        .into_iter()
        .collect()
}

fn buckets(case: &Case<'_>, entries: u64) -> Row {
    let sockets = if case.wanted() >= MANY { case.wanted() * case.ends() } else { 0 };
    let needed = (sockets / SOCKETS_PER_BUCKET).next_power_of_two();
    Row::new(
        "net.ipv4.tcp_ehash_entries",
        Scope::Network,
        Unit::Count,
        "no error: each packet is compared with many sockets, none of them in a cache, so that \
         handshakes and pings take more CPU",
    )
    .at_least(Some(entries), needed)
    .cure(format!(
        "boot with thash_entries={needed}; or, for network namespaces made from then on: sysctl -w \
         net.ipv4.tcp_child_ehash_entries={needed}"
    ))
    .as_advice()
}
