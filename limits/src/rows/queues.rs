//! Where connections wait before they are accepted. These limits do not cap a number of sessions:
//! they decide how many may come at once.

use super::{Case, MANY};
use crate::{
    cost::accept_queue,
    row::{Change, Row, Scope, Unit},
    sockets::Listener,
};

/// Packets between the network and the protocols; the kernel's default.
const SMALL_BACKLOG: u64 = 1_000;
const LARGE_BACKLOG: u64 = 16_384;

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    let largest = largest_listener(case);
    let somaxconn = case.get("net.core.somaxconn");
    let is_listener_smaller = match (largest, somaxconn) {
        (Some(listener), Some(most)) => u64::from(listener.backlog) < most,
        _ => false,
    };
    let mut rows = vec![somaxconn_row(case, !is_listener_smaller)];
    rows.extend(largest.map(|listener| backlog(case, listener, is_listener_smaller)));
    rows.extend([half_open(case), abort(case), device(case)]);
    rows
}

/// The process's own listener, most likely: sockets do not say whose they are without a look at
/// every descriptor, but they do say which user's, and a gateway asks for a long queue.
fn largest_listener<'a>(case: &Case<'a>) -> Option<&'a Listener> {
    case.question.process?;
    let user = case.machine.process.user;
    let of_user = case.machine.sockets.listeners.iter().filter(|one| one.user == user);
    of_user.max_by_key(|one| one.backlog)
}

fn overflows(case: &Case<'_>) -> String {
    format!("ListenOverflows {}", case.machine.counters.listen_overflows)
}

const FULL_QUEUE: &str = "connect: timeouts; ListenOverflows grows; ss -lnt: Recv-Q above Send-Q; \
                          peers that gave up stay in CLOSE_WAIT until they are accepted";

fn somaxconn_row(case: &Case<'_>, is_cause: bool) -> Row {
    let needed = accept_queue(case.wanted());
    let overflowed = is_cause && case.machine.counters.listen_overflows > 0;
    Row::new("net.core.somaxconn", Scope::Network, Unit::Count, FULL_QUEUE)
        .at_least(case.get("net.core.somaxconn"), needed)
        .hit_if(overflowed, || overflows(case))
        .raise(needed)
        .remark("then restart what listens: sockets keep the value they were opened with")
}

fn backlog(case: &Case<'_>, listener: &Listener, is_cause: bool) -> Row {
    let needed = accept_queue(case.wanted());
    let is_full = listener.waiting > listener.backlog;
    let overflowed = is_cause && case.machine.counters.listen_overflows > 0;
    let evidence = || match is_full {
        true => format!("{} wait at {} now", listener.waiting, listener.address),
        false => overflows(case),
    };
    Row::new("listen() backlog", Scope::Process, Unit::Count, FULL_QUEUE)
        .at_least(Some(listener.backlog.into()), needed)
        .hit_if(is_full || overflowed, evidence)
        .cure(format!(
            "start the gateway with --backlog {needed} or more, and net.core.somaxconn as high; \
             if they are, the process was stopped or too slow"
        ))
}

fn half_open(case: &Case<'_>) -> Row {
    let needed = accept_queue(case.wanted());
    let counters = &case.machine.counters;
    let dropped = counters.request_queue_drops;
    let row = Row::new(
        "net.ipv4.tcp_max_syn_backlog",
        Scope::Network,
        Unit::Count,
        "SYNs are dropped; TCPReqQFullDrop grows; kernel log: possible SYN flooding",
    )
    .at_least(case.get("net.ipv4.tcp_max_syn_backlog"), needed)
    .hit_if(dropped > 0, || format!("TCPReqQFullDrop {dropped}"))
    .raise(needed);
    match case.get("net.ipv4.tcp_syncookies") {
        Some(1..) => row.without_effect("only consulted where net.ipv4.tcp_syncookies is 0"),
        _ => {
            let change = Some(Change::Sysctls(vec![("net.ipv4.tcp_syncookies", "1".to_owned())]));
            Row { change, ..row.cure("sysctl -w net.ipv4.tcp_syncookies=1") }
        }
    }
}

fn abort(case: &Case<'_>) -> Row {
    Row::new(
        "net.ipv4.tcp_abort_on_overflow",
        Scope::Network,
        Unit::Count,
        "connect: ECONNRESET where a retry would have got in",
    )
    .at_most(case.get("net.ipv4.tcp_abort_on_overflow"), 0)
    .sysctl(0)
}

fn device(case: &Case<'_>) -> Row {
    let needed = match case.wanted() {
        ..MANY => SMALL_BACKLOG,
        // On loopback a broadcast is a packet for each session, at once.
        many if case.question.with_client => many + LARGE_BACKLOG,
        _ => LARGE_BACKLOG,
    };
    let drops = case.machine.counters.softnet_drops;
    Row::new(
        "net.core.netdev_max_backlog",
        Scope::Host,
        Unit::Count,
        "retransmissions on loopback and veth; column 2 of /proc/net/softnet_stat grows",
    )
    .at_least(case.get("net.core.netdev_max_backlog"), needed)
    .hit_if(drops > 0, || format!("{drops} packets dropped"))
    .raise(needed)
}
