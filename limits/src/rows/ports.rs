//! Ports of the connecting side.

use super::Case;
use crate::row::{Row, Scope, Unit};

const WIDEST: u64 = 65_535 - 1_024 + 1;

/// A port serves once for each source address and each address and port that is connected to, so
/// this caps sessions only together with those; how many there are is the client's choice.
pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    let range = case.machine.sysctls.all("net.ipv4.ip_local_port_range");
    let ports = match range {
        Some([first, last]) => Some(last.saturating_sub(*first).saturating_add(1)),
        _ => None,
    };
    let row = Row::new(
        "net.ipv4.ip_local_port_range",
        Scope::Network,
        Unit::Count,
        "connect: EADDRNOTAVAIL, on the connecting side only",
    )
    .at_least(ports, case.wanted().min(WIDEST))
    .sysctl("1024 65535");
    if !case.question.with_client {
        return vec![row.without_effect("concerns the connecting side (see --with-client)")];
    }
    let pairs = case.wanted().div_ceil(WIDEST);
    let remark = format!(
        "{pairs} pairs of a source address and a listening port carry {} sessions; \
         stress --sources IP-IP; gateway --listen IP:PORT-PORT",
        case.wanted()
    );
    vec![row.remark(&remark)]
}
