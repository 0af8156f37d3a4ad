//! Memory: the gateway's own and the kernel's, which no process's RSS shows.

use super::Case;
use crate::{
    cgroup::MemoryUse,
    cost::{CGROUP_V1_KERNEL_BYTES, HANDSHAKES_BYTES, KERNEL_BYTES, bytes_per_session},
    headroom::{RESERVE, reserve_of},
    row::{Row, Scope, Unit},
};

const SHORT: &str =
    "the gateway refuses sessions with 503 (--memory-reserve); without that: OOM kill";

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    let mut rows: Vec<_> = container(case).into_iter().chain(soft_limit(case)).collect();
    rows.push(machine(case));
    rows
}

/// Bytes that one more session costs.
fn each(case: &Case<'_>) -> u64 {
    bytes_per_session(case.question.with_client, case.question.over_tls)
}

fn container(case: &Case<'_>) -> Option<Row> {
    let group = case.machine.cgroup.as_ref()?;
    // What is not charged for sockets is nothing of the processes' own.
    let uncharged = if group.charges_sockets { 0 } else { KERNEL_BYTES - CGROUP_V1_KERNEL_BYTES };
    let each = each(case) - uncharged * case.ends();
    let reserve = reserve_of(RESERVE, group.limit);
    let held = case.held();
    let more = case.wanted().saturating_sub(held);
    let used = group.used.saturating_add(more.saturating_mul(each) + HANDSHAKES_BYTES);
    // Of a limit so high that a quarter of it is the reserve, three quarters are for use.
    let needed = used.saturating_add(RESERVE.min(used / 3 + 1));
    let fits = held + group.left().saturating_sub(reserve + HANDSHAKES_BYTES) / each;
    let kills = case.machine.counters.cgroup_oom_kills;
    let hits = case.machine.counters.cgroup_limit_hits;
    let row = Row::new(
        "memory cgroup",
        Scope::Container,
        Unit::Bytes,
        match group.throttles {
            true => {
                "the gateway refuses sessions with 503 (--memory-reserve); without that the kernel \
                     slows it to a standstill (memory.high)"
            }
            false => SHORT,
        },
    )
    .at_least(Some(group.limit), needed)
    .fitting(Some(fits), case.wanted())
    .hit_if(kills + hits > 0, || format!("limit met {hits} times, {kills} processes killed"));
    Some(row.cure(more_for(group, needed.max(group.limit))))
}

/// What gives a control group so many bytes.
fn more_for(group: &MemoryUse, needed: u64) -> String {
    let file = group.file.display();
    match group.throttles {
        true => format!(
            "echo {needed} > {file}; in its systemd unit: MemoryHigh={needed}; in Kubernetes it \
             follows from limits.memory (MemoryQoS)"
        ),
        false => format!(
            "echo {needed} > {file}; docker run --memory {needed}; in its systemd unit: \
             MemoryMax={needed}"
        ),
    }
}

/// Of no account, and often taken for a limit.
fn soft_limit(case: &Case<'_>) -> Option<Row> {
    let row = Row::new("memory cgroup, soft limit", Scope::Container, Unit::Bytes, "");
    let row = row.at_least(Some(case.machine.soft_limit?), 0);
    Some(row.without_effect("stops nobody: what is above it is reclaimed first"))
}

fn machine(case: &Case<'_>) -> Row {
    let memory = case.machine.memory;
    let each = each(case);
    let reserve = reserve_of(RESERVE, memory.total);
    let held = case.held();
    let more = case.wanted().saturating_sub(held);
    let kept_free = reserve + HANDSHAKES_BYTES;
    let needed = more.saturating_mul(each).saturating_add(kept_free);
    let fits = held + memory.available.saturating_sub(kept_free) / each;
    let over = if case.question.over_tls { " over TLS" } else { "" };
    let cure = format!(
        "a larger machine, or several: {each} bytes a session{over}, {} of them the kernel's",
        KERNEL_BYTES * case.ends()
    );
    Row::new("available memory", Scope::Host, Unit::Bytes, SHORT)
        .at_least(Some(memory.available), needed)
        .fitting(Some(fits), case.wanted())
        .cure(cure)
}
