//! From settings to work: checks what the flags say together, looks names up, and shares the
//! sessions out between workers.

use std::net::IpAddr;

use settings::ConfigError;

use super::assignment::Assignment;
use crate::{
    session::{identity::Identity, ports::Ports},
    settings::{sessions::Sessions, targets::Targets, tls::TlsChoice},
};

/// Descriptors of a process that are not sessions: standard streams, epoll, pushes, links.
const SPARE_DESCRIPTORS: u64 = 1200;

/// Shares the sessions out between as many workers as needed; so many of them will be dropped.
///
/// # Errors
/// Flags that contradict each other, schemes that are not supported, names that are unknown.
pub(crate) fn assignments(
    sessions: &Sessions,
    dropped: u32,
    descriptors: u64,
    run: u32,
) -> Result<Vec<Assignment>, ConfigError> {
    let tls = TlsChoice::from(&sessions.tls);
    let targets = Targets::new(&sessions.targets, &tls)?;
    let sources = sessions.sources.as_ref().map(|it| it.addresses()).unwrap_or_default();
    check_families(&targets, &sources)?;
    let workers = u64::from(workers(sessions, descriptors)?);
    let total = u64::from(sessions.sessions);
    let identity = Identity::new(sessions)?;
    let ports = Ports::read(run);
    let start = |worker: u64| (total * worker / workers) as u32;
    let kept = total - u64::from(dropped);
    let share = |worker: u64| {
        let (first, count) = (start(worker), start(worker + 1) - start(worker));
        // Each worker keeps what the workers before it and it together have to keep.
        let kept_before = |end: u32| (kept * u64::from(end) / total) as u32;
        Assignment {
            first,
            count,
            kept: kept_before(first + count) - kept_before(first),
            targets: targets.clone(),
            // Few servers at a time have all the work of a few processes.
            pieces_of: (workers > 1).then_some(sessions.sessions),
            sources: sources.clone(),
            concurrency: sessions.concurrency,
            connect_timeout: sessions.connect_timeout,
            needs_hello: !sessions.no_hello,
            echo_once: sessions.echo_once,
            posts_pongs: sessions.post_pongs,
            poll_wait: sessions.poll_wait.clone(),
            identity: identity.clone(),
            run,
            tls: tls.clone(),
            ports: ports.clone(),
        }
    };
    Ok((0..workers).map(share).collect())
}

fn workers(sessions: &Sessions, descriptors: u64) -> Result<u32, ConfigError> {
    let room = descriptors.saturating_sub(SPARE_DESCRIPTORS).max(1);
    let needed = u64::from(sessions.sessions).div_ceil(room);
    let workers = sessions.processes.map_or(needed, u64::from);
    if workers < needed || needed > 1000 {
        let problem = format!(
            "{workers} processes with {descriptors} descriptors each cannot hold {} sessions",
            sessions.sessions
        );
        let expected =
            format!("give {needed} (1000 at most), or raise the hard limit (ulimit -Hn)");
        return Err(ConfigError::new("--processes", problem, expected));
    }
    Ok(workers.min(u64::from(sessions.sessions)) as u32)
}

fn check_families(targets: &Targets, sources: &[IpAddr]) -> Result<(), ConfigError> {
    let differs =
        |source: &&IpAddr| targets.iter().any(|it| it.address.is_ipv4() != source.is_ipv4());
    sources.iter().find(differs).map_or(Ok(()), |source| {
        let problem = format!("{source} cannot reach a target of the other IP version");
        Err(ConfigError::new("--sources", problem, "give addresses of the targets' IP version"))
    })
}

#[cfg(test)]
mod tests;
