//! Memory of TCP's buffers. Idle sockets use none of it.

use super::{Case, MANY};
use crate::{
    cost::PAGE,
    row::{Row, Scope, Unit},
};

/// What a socket's buffer may grow to where there are many of them.
const SMALL_BUFFER: u64 = 256 * 1024;

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    let advice = |name| {
        let row = Row::new(
            name,
            Scope::Network,
            Unit::Bytes,
            "clients that read slowly hold this much of the kernel's memory each",
        );
        let most = if case.wanted() >= MANY { SMALL_BUFFER } else { u64::MAX };
        let [least, start] = match case.machine.sysctls.all(name) {
            Some([least, start, _]) => [*least, (*start).min(SMALL_BUFFER)],
            _ => [4096, 16_384],
        };
        let cure = format!(
            "sysctl -w '{name}={least} {start} {SMALL_BUFFER}'; slows downloads over long distances, so \
             only where nothing else shares the namespace"
        );
        row.at_most(case.machine.sysctls.last(name), most).cure(cure).as_advice()
    };
    vec![tcp_mem(case), advice("net.ipv4.tcp_rmem"), advice("net.ipv4.tcp_wmem")]
}

/// The three values with this highest one, none of them less than it was.
fn thresholds(needed: u64, before: &[u64]) -> String {
    let least = |index: usize| before.get(index).copied().unwrap_or_default();
    let low = (needed * 2 / 5).max(least(0));
    let pressure = (needed * 3 / 5).max(least(1)).max(low);
    format!("{low} {pressure} {}", needed.max(least(2)).max(pressure))
}

fn tcp_mem(case: &Case<'_>) -> Row {
    let counters = &case.machine.counters;
    let current = case.machine.sysctls.all("net.ipv4.tcp_mem").map(<[u64]>::to_vec);
    let before = current.clone();
    let pages = case.machine.memory.total / PAGE;
    let is_pressed = matches!(current.as_deref(), Some([_, pressure, _])
        if counters.tcp_pages >= *pressure);
    // A page for each session. What is in use under pressure says little about what would be used
    // without, so then at least as much as the kernel chooses by itself: 3/32 of memory.
    let in_use = match is_pressed {
        true => counters.tcp_pages.saturating_mul(2).max(pages * 3 / 32),
        false => 0,
    };
    let needed = case.wanted().max(in_use).min(pages / 4);
    let hit = is_pressed || counters.memory_pressures > 0;
    Row::new(
        "net.ipv4.tcp_mem",
        Scope::Host,
        Unit::Pages,
        "no error: writes wait and segments are dropped; TCPMemoryPressures, TCPRcvQDrop, \
         TCPAbortOnMemory grow; kernel log: consider tuning tcp_mem",
    )
    .at_least(current.and_then(|it| it.last().copied()), needed)
    .hit_if(hit, || {
        format!(
            "TCPMemoryPressures {}, TCPRcvQDrop {}, {} pages in use",
            counters.memory_pressures, counters.receive_drops, counters.tcp_pages
        )
    })
    .sysctl(thresholds(needed, before.as_deref().unwrap_or_default()))
}
