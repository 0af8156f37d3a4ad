//! Connections that end, and those that do not notice that they have.

use super::{Case, MANY};
use crate::row::{Row, Scope, Unit};

/// Time in FIN_WAIT2 of sockets that no process has any more.
const SHORT_FIN_TIMEOUT: u64 = 30;

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    vec![orphans(case), time_wait(case), fin_timeout(case), keepalive(case), retries(case)]
}

fn orphans(case: &Case<'_>) -> Row {
    let counters = &case.machine.counters;
    let current = case.get("net.ipv4.tcp_max_orphans");
    // Clients on this machine may all leave at once, and one that sends its FIN again counts twice
    // if it had sent nothing else for four minutes (tcp_out_of_resources in net/ipv4/tcp_timer.c).
    let needed = match case.question.with_client {
        true => case.wanted() * 2,
        false => case.wanted() / 2,
    };
    // The same counter stands for memory that ran out; tcp_mem has others that tell them apart.
    let aborted = counters.aborts_on_memory > 0 && counters.memory_pressures == 0;
    let full = current.is_some_and(|most| counters.orphans >= most);
    Row::new(
        "net.ipv4.tcp_max_orphans",
        Scope::Host,
        Unit::Count,
        "after a mass disconnect sockets are reset; TCPAbortOnMemory grows; kernel log: too many \
         orphaned sockets. A reset that gets lost leaves its session until the next ping",
    )
    .at_least(current, needed)
    .hit_if(aborted || full, || {
        format!("{} orphans now, TCPAbortOnMemory {}", counters.orphans, counters.aborts_on_memory)
    })
    .raise(needed.next_power_of_two())
}

fn time_wait(case: &Case<'_>) -> Row {
    let overflows = case.machine.counters.time_wait_overflows;
    Row::new(
        "net.ipv4.tcp_max_tw_buckets",
        Scope::Network,
        Unit::Count,
        "sockets skip TIME_WAIT; TCPTimeWaitOverflow grows",
    )
    .at_least(case.get("net.ipv4.tcp_max_tw_buckets"), case.wanted())
    .hit_if(overflows > 0, || format!("TCPTimeWaitOverflow {overflows}"))
    .raise(case.wanted().next_power_of_two())
}

fn fin_timeout(case: &Case<'_>) -> Row {
    let most = if case.wanted() >= MANY { SHORT_FIN_TIMEOUT } else { u64::MAX };
    Row::new(
        "net.ipv4.tcp_fin_timeout",
        Scope::Network,
        Unit::Seconds,
        "orphans pile up in FIN_WAIT2; it does not shorten TIME_WAIT",
    )
    .at_most(case.get("net.ipv4.tcp_fin_timeout"), most)
    .sysctl(SHORT_FIN_TIMEOUT)
    .as_advice()
}

fn keepalive(case: &Case<'_>) -> Row {
    let current = case.get("net.ipv4.tcp_keepalive_time");
    Row::new(
        "net.ipv4.tcp_keepalive_time",
        Scope::Network,
        Unit::Seconds,
        "dead peers go unnoticed",
    )
    .at_most(current, u64::MAX)
    .without_effect("the gateway sets it for each socket, to --ping-interval")
}

fn retries(case: &Case<'_>) -> Row {
    let current = case.get("net.ipv4.tcp_retries2");
    Row::new(
        "net.ipv4.tcp_retries2",
        Scope::Network,
        Unit::Count,
        "data for dead peers waits for 15 minutes",
    )
    .at_most(current, u64::MAX)
    .without_effect("the gateway sets TCP_USER_TIMEOUT for each socket, to twice --write-timeout or --ping-interval")
}
