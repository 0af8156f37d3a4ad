//! A process's own limits.

use std::{io, time::Duration};

use procfs::{
    ProcError,
    process::{LimitValue, Process},
};

/// Descriptors of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptors {
    /// What it may open now: the soft RLIMIT_NOFILE.
    pub soft: u64,
    /// To what it may raise that by itself: the hard one.
    pub hard: u64,
    /// Room in its table, which bounds what it has open. /proc/PID/fd would tell how many, but
    /// listing it costs the kernel about 920 bytes for each.
    pub table: u64,
}

/// What is known about a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessLimits {
    /// Its descriptors.
    pub descriptors: Descriptors,
    /// The user whose sockets are its own.
    pub user: u32,
}

impl ProcessLimits {
    /// Those of a process, or of this one.
    ///
    /// # Errors
    /// There is no such process, or it may not be looked at.
    pub fn read(process: Option<u32>) -> io::Result<Self> {
        let process = open(process)?;
        let files = process.limits().map_err(into_io)?.max_open_files;
        let status = process.status().map_err(into_io)?;
        let descriptors = Descriptors {
            soft: number(files.soft_limit),
            hard: number(files.hard_limit),
            table: status.fdsize.into(),
        };
        Ok(Self { descriptors, user: status.euid })
    }
}

/// This process's resident set, in bytes; 0 where `/proc` does not say.
pub fn resident_bytes() -> u64 {
    let statm = open(None).and_then(|process| process.statm().map_err(into_io));
    statm.map_or(0, |memory| memory.resident * procfs::page_size())
}

/// What a process takes of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Its resident set, in bytes.
    pub resident: u64,
    /// Its address space, in bytes.
    pub address_space: u64,
    /// Time on processors, of all its threads.
    pub cpu: Duration,
    /// When it started, since the Unix epoch.
    pub started: Duration,
}

impl Usage {
    /// That of this process.
    ///
    /// # Errors
    /// `/proc` does not say.
    pub fn read() -> io::Result<Self> {
        let stat = open(None)?.stat().map_err(into_io)?;
        let ticks = |count: u64| Duration::from_secs(count) / ticks_per_second();
        let booted = Duration::from_secs(procfs::boot_time_secs().map_err(into_io)?);
        Ok(Self {
            resident: stat.rss * procfs::page_size(),
            address_space: stat.vsize,
            cpu: ticks(stat.utime + stat.stime),
            started: booted + ticks(stat.starttime),
        })
    }
}

/// The kernel's unit of times in `/proc`; never zero.
fn ticks_per_second() -> u32 {
    u32::try_from(procfs::ticks_per_second()).unwrap_or(100).max(1)
}

/// A process, or this one.
///
/// # Errors
/// There is no such process.
pub fn open(process: Option<u32>) -> io::Result<Process> {
    let opened = match process {
        Some(id) => Process::new(i32::try_from(id).unwrap_or(i32::MAX)),
        None => Process::myself(),
    };
    opened.map_err(into_io)
}

/// The library's error as the system's.
pub fn into_io(error: ProcError) -> io::Error {
    match error {
        ProcError::NotFound(_) => io::Error::new(io::ErrorKind::NotFound, "no such process"),
        ProcError::PermissionDenied(_) => io::ErrorKind::PermissionDenied.into(),
        ProcError::Io(error, _) => error,
        other => io::Error::other(other.to_string()),
    }
}

fn number(limit: LimitValue) -> u64 {
    match limit {
        LimitValue::Unlimited => u64::MAX,
        LimitValue::Value(value) => value,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    use super::*;

    #[test]
    fn a_process_is_read_by_its_id() {
        let own = ProcessLimits::read(None).unwrap();
        assert_eq!(ProcessLimits::read(Some(std::process::id())).unwrap().user, own.user);
        assert!(own.descriptors.soft > 0 && own.descriptors.soft <= own.descriptors.hard);
        assert!(own.descriptors.table > 0);
        let error = ProcessLimits::read(Some(u32::MAX)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_this_process_takes_is_known() {
        let before = Usage::read().unwrap();
        let mut sum = 0_u64;
        let burnt = loop {
            sum = std::hint::black_box(sum.wrapping_add(1));
            if sum.is_multiple_of(1 << 20) && Usage::read().unwrap().cpu > before.cpu {
                break Usage::read().unwrap();
            }
        };
        assert!(burnt.resident > 100_000 && burnt.resident < burnt.address_space, "{burnt:?}");
        assert_eq!(burnt.started, before.started);
        let age = SystemTime::now().duration_since(UNIX_EPOCH + burnt.started).unwrap();
        assert!(age < Duration::from_secs(3600), "{age:?}");
    }
}
