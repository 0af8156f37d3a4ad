//! Ports of the connecting side.

use super::Case;
use crate::row::{Row, Scope, Unit};

const WIDEST: u64 = 65_535 - 1_024 + 1;

/// Where Holdfast listens if nothing else is said.
const OWN_PORTS: [u16; 4] = [8080, 8081, 8082, 8090];

/// The widest range, and before it what must not be taken from it: a connect that is given the port
/// of a server that is about to start keeps it from starting. The kernel leaves out ports in use, but
/// not those of tomorrow.
fn widened(case: &Case<'_>, range: Option<&[u64]>) -> Vec<(&'static str, String)> {
    let (first, last) = match range {
        Some([first, last]) => (1024.min(*first).max(1), 65_535.max(*last)),
        _ => (1024, 65_535),
    };
    let listening = case.machine.sockets.listeners.iter().map(|one| one.address.port());
    let kept = listening.chain(OWN_PORTS).filter(|port| *port >= 1024);
    let reserved = case.machine.reserved_ports.with(kept).to_string();
    vec![
        ("net.ipv4.ip_local_reserved_ports", reserved),
        ("net.ipv4.ip_local_port_range", format!("{first} {last}")),
    ]
}

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
    .sysctls(widened(case, range));
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
