//! Looking at things from inside a network namespace.

use std::{fs::File, io, os::fd::AsFd, thread};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Whose network namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// That of this thread.
    Own,
    /// That of a process.
    Of(u32),
}

impl Network {
    /// Does something inside it. Another process's namespace is entered by a thread of its own,
    /// because files under /proc/sys/net show the namespace of the task that opens them.
    ///
    /// # Errors
    /// There is no such process, or its namespace may not be entered.
    pub fn within<T: Send>(self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let Self::Of(process) = self else { return Ok(work()) };
        thread::scope(|scope| {
            let inside = thread::Builder::new().spawn_scoped(scope, || {
                let namespace = File::open(format!("/proc/{process}/ns/net"))?;
                if !is_own(process) {
                    let kind = Some(LinkNameSpaceType::Network);
                    move_into_link_name_space(namespace.as_fd(), kind)?;
                }
                Ok(work())
            })?;
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// Whether a process shares this thread's network namespace. To look at its links needs fewer
/// rights than to enter it.
pub fn is_own(process: u32) -> bool {
    let link = |of: &str| std::fs::read_link(format!("/proc/{of}/ns/net")).ok();
    let own = link("thread-self");
    own.is_some() && own == link(&process.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_of_this_process_needs_no_rights() {
        let name = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
        assert_eq!(Network::Of(std::process::id()).within(name).unwrap(), name());
        assert!(Network::Of(u32::MAX).within(name).is_err());
    }
}
