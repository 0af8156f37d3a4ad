//! Memory: the gateway's own and the kernel's, which no process's RSS shows.

use super::Case;
use crate::{
    cost::{CGROUP_V1_KERNEL_BYTES, GATEWAY_BYTES, bytes_per_session},
    headroom::{RESERVE, reserve_of},
    row::{Row, Scope, Unit},
};

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    let mut rows: Vec<_> = container(case).into_iter().collect();
    rows.push(machine(case));
    rows
}

fn container(case: &Case<'_>) -> Option<Row> {
    let group = case.machine.cgroup.as_ref()?;
    let each = match group.charges_sockets {
        true => bytes_per_session(case.question.with_client),
        false => (GATEWAY_BYTES + CGROUP_V1_KERNEL_BYTES) * case.ends(),
    };
    let reserve = reserve_of(RESERVE, group.limit);
    let held = case.held();
    let more = case.wanted().saturating_sub(held);
    let needed = group.used.saturating_add(more.saturating_mul(each)).saturating_add(reserve);
    let fits = held + group.left().saturating_sub(reserve) / each;
    let kills = case.machine.counters.cgroup_oom_kills;
    let hits = case.machine.counters.cgroup_limit_hits;
    let row = Row::new(
        "memory cgroup",
        Scope::Container,
        Unit::Bytes,
        "the gateway refuses sessions with 503 (--memory-reserve); without that: OOM kill",
    )
    .at_least(Some(group.limit), needed)
    .fitting(Some(fits), case.wanted())
    .hit_if(kills + hits > 0, || format!("limit met {hits} times, {kills} processes killed"));
    let cure = format!(
        "echo {needed} > {}; docker run --memory {needed}, MemoryMax={needed} in its systemd unit",
        group.file.display()
    );
    Some(row.cure(cure))
}

fn machine(case: &Case<'_>) -> Row {
    let memory = case.machine.memory;
    let each = bytes_per_session(case.question.with_client);
    let reserve = reserve_of(RESERVE, memory.total);
    let held = case.held();
    let more = case.wanted().saturating_sub(held);
    let needed = more.saturating_mul(each).saturating_add(reserve);
    let fits = held + memory.available.saturating_sub(reserve) / each;
    let cure = format!(
        "a larger machine, or several: {each} bytes a session, {} of them the kernel's",
        crate::cost::KERNEL_BYTES * case.ends()
    );
    Row::new(
        "available memory",
        Scope::Host,
        Unit::Bytes,
        "the gateway refuses sessions with 503 (--memory-reserve); without that: OOM kill",
    )
    .at_least(Some(memory.available), needed)
    .fitting(Some(fits), case.wanted())
    .cure(cure)
}
