//! Descriptors, and what the kernel keeps for each.

use super::Case;
use crate::{
    cost::OTHER_FILES,
    places::{MOST_PENDING, Places, descriptors_for},
    row::{Change, Row, Scope, Unit},
};

pub(super) fn rows(case: &Case<'_>) -> Vec<Row> {
    vec![of_the_process(case), nr_open(case), file_max(case), watches(case)]
}

fn of_the_process(case: &Case<'_>) -> Row {
    let descriptors = case.machine.process.descriptors;
    let needed = descriptors_for(case.wanted());
    // A gateway raises its soft limit to the hard one when it starts, so before that the hard one
    // counts. No descriptor is given out above fs.nr_open, whatever the limit is.
    let limit = match case.question.process {
        Some(_) => descriptors.soft,
        None => descriptors.hard,
    };
    let usable = limit.min(case.get("fs.nr_open").unwrap_or(u64::MAX));
    let mut row = Row::new(
        "RLIMIT_NOFILE",
        Scope::Process,
        Unit::Count,
        "accept: EMFILE, connections wait in the accept queue; \
         holdfast_accept_errors_total{errno=\"EMFILE\"}; or 503",
    )
    .at_least(Some(limit), needed)
    .fitting(Some(sessions_of(usable)), case.wanted());
    let lasting = format!(
        "where it is started: ulimit -n {needed}; in its systemd unit: LimitNOFILE={needed}; \
         docker run --ulimit nofile={needed}"
    );
    row.cure = lasting.clone();
    if let Some(process) = case.question.process {
        row.change = Some(Change::Descriptors(process, needed));
        row.cure = format!("prlimit --pid {process} --nofile={needed}; {lasting}");
    }
    row
}

fn nr_open(case: &Case<'_>) -> Row {
    let needed = descriptors_for(case.wanted());
    let current = case.get("fs.nr_open");
    Row::new(
        "fs.nr_open",
        Scope::Host,
        Unit::Count,
        "raising RLIMIT_NOFILE above it: EPERM; beyond it: EMFILE, however high RLIMIT_NOFILE is",
    )
    .at_least(current, needed)
    .fitting(current.map(sessions_of), case.wanted())
    .raise(needed.next_power_of_two())
}

fn file_max(case: &Case<'_>) -> Row {
    let sessions = case.wanted().saturating_mul(case.ends());
    let current = case.get("fs.file-max");
    let open = case.get("fs.file-nr").unwrap_or_default();
    let others = open.saturating_sub(case.held() * case.ends());
    let fits = current.map(|it| it.saturating_sub(others) / case.ends());
    Row::new(
        "fs.file-max",
        Scope::Host,
        Unit::Count,
        "accept: ENFILE, unless the process has CAP_SYS_ADMIN; kernel log: file-max limit reached",
    )
    .at_least(current, sessions.saturating_add(OTHER_FILES))
    .fitting(fits, case.wanted())
    .hit_if(current.is_some_and(|it| open >= it), || format!("{open} files are open now"))
    .raise(sessions.saturating_add(others.saturating_mul(2).max(OTHER_FILES)))
}

fn watches(case: &Case<'_>) -> Row {
    let needed = descriptors_for(case.wanted()).saturating_mul(case.ends());
    let current = case.get("fs.epoll.max_user_watches");
    let fits = current.map(|it| sessions_of(it / case.ends()));
    Row::new(
        "fs.epoll.max_user_watches",
        Scope::Host,
        Unit::Count,
        "epoll_ctl: ENOSPC; it counts for all processes of a user",
    )
    .at_least(current, needed)
    .fitting(fits, case.wanted())
    .raise(needed)
}

/// The sessions among so many descriptors.
fn sessions_of(descriptors: u64) -> u64 {
    Places::of(descriptors, MOST_PENDING).sessions
}
