//! From settings to work: checks what the flags say together, looks names up, and shares the
//! sessions out between workers.

use std::net::IpAddr;

use settings::ConfigError;

use super::assignment::{Assignment, Returns};
use crate::{
    session::{identity::Identity, ports::Ports},
    settings::{sessions::Sessions, targets::Targets, tls::TlsChoice},
};

/// Descriptors of a process that are not sessions: standard streams, epoll, pushes, links.
const SPARE_DESCRIPTORS: u64 = 1200;

/// What becomes of sessions that are open.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Course {
    /// How many will be dropped.
    pub dropped: u32,
    /// How those come back that their server asks to.
    pub returns: Option<Returns>,
}

/// Shares the sessions out between as many workers as needed.
///
/// # Errors
/// Flags that contradict each other, schemes that are not supported, names that are unknown.
pub(crate) fn assignments(
    sessions: &Sessions,
    course: Course,
    descriptors: u64,
    run: u32,
) -> Result<Vec<Assignment>, ConfigError> {
    let all = all(sessions, course, run)?;
    let workers = u64::from(workers(sessions, descriptors)?);
    let total = u64::from(sessions.sessions);
    let start = |worker: u64| (total * worker / workers) as u32;
    // Each worker keeps what the workers before it and it together have to keep.
    let kept_before = |end: u32| (u64::from(all.kept) * u64::from(end) / total) as u32;
    let share = |worker: u64| {
        let (first, count) = (start(worker), start(worker + 1) - start(worker));
        let kept = kept_before(first + count) - kept_before(first);
        // Few servers at a time have all the work of a few processes, unless each process is to know by its
        // own sessions which server has the fewest.
        let pieces_of = (workers > 1 && course.returns.is_none()).then_some(sessions.sessions);
        Assignment { first, count, kept, pieces_of, ..all.clone() }
    };
    Ok((0..workers).map(share).collect())
}

/// Every session in one piece.
fn all(sessions: &Sessions, course: Course, run: u32) -> Result<Assignment, ConfigError> {
    let tls = TlsChoice::from(&sessions.tls);
    let targets = Targets::new(&sessions.targets, &tls)?;
    let sources = sessions.sources.as_ref().map(|it| it.addresses()).unwrap_or_default();
    check_families(&targets, &sources)?;
    Ok(Assignment {
        first: 0,
        count: sessions.sessions,
        kept: sessions.sessions - course.dropped,
        targets,
        pieces_of: None,
        sources,
        concurrency: sessions.concurrency,
        connect_timeout: sessions.connect_timeout,
        needs_hello: !sessions.no_hello,
        echo_once: sessions.echo_once,
        posts_pongs: sessions.post_pongs,
        returns: course.returns,
        poll_wait: sessions.poll_wait.clone(),
        identity: Identity::new(sessions)?,
        run,
        tls,
        ports: Ports::read(run),
    })
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
