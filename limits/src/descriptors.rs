//! Descriptors of processes: how many are open, how many there may be, and room for them.

use std::{io, os::fd::AsFd};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::process::ProcessLimits;

/// The table is not grown beyond this in advance; 8 bytes each.
const LARGEST_TABLE: u64 = 1 << 20;

/// What this process has open. Since Linux 6.2 the size of the folder says so (proc(5)), and
/// nothing must be listed; on older kernels this is 0.
pub fn open_count() -> u64 {
    std::fs::metadata("/proc/self/fd").map_or(0, |folder| folder.len())
}

/// What this process may open now: its soft RLIMIT_NOFILE.
pub fn soft_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// To what this process may raise that by itself: its hard RLIMIT_NOFILE.
pub fn hard_limit() -> u64 {
    getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX)
}

/// Raises this process's soft limit to the hard one, and returns it.
///
/// # Errors
/// The system refuses.
pub fn raise() -> io::Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Grows this process's table for `limit` descriptors, once.
///
/// In a threaded process each doubling of the table waits for an RCU grace period inside accept,
/// so it is better done before the first connection: duplicating a descriptor to a high number
/// makes room up to there (fcntl(2), F_DUPFD).
///
/// # Errors
/// The system refuses.
pub fn grow_table(limit: u64) -> io::Result<()> {
    let highest = limit.min(LARGEST_TABLE).saturating_sub(1);
    let highest = i32::try_from(highest).map_err(io::Error::other)?;
    rustix::io::fcntl_dupfd_cloexec(io::stderr().as_fd(), highest)?;
    Ok(())
}

/// Sets the soft limit of any process, and the hard one where it is lower.
///
/// # Errors
/// There is no such process, or the system refuses.
pub fn set_limit_of(process: u32, limit: u64) -> io::Result<()> {
    let pid = i32::try_from(process).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    let hard = ProcessLimits::read(Some(process))?.descriptors.hard;
    let new = Rlimit { current: Some(limit), maximum: Some(limit.max(hard)) };
    prlimit(Some(pid), Resource::Nofile, new)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_and_the_table_grown() {
        let hard = hard_limit();
        assert_eq!((raise().unwrap(), soft_limit()), (hard, hard));
        grow_table(soft_limit().min(4096)).unwrap();
        let table = ProcessLimits::read(None).unwrap().descriptors.table;
        assert!(table >= hard.min(4096), "{table}");
    }

    #[test]
    fn the_limit_of_another_process_is_set() {
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let hard = ProcessLimits::read(Some(other.id())).unwrap().descriptors.hard;
        let wanted = hard.min(100);
        set_limit_of(other.id(), wanted).unwrap();
        let limits = ProcessLimits::read(Some(other.id())).unwrap().descriptors;
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!((limits.soft, limits.hard), (wanted, hard));
        assert_eq!(set_limit_of(u32::MAX, 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
