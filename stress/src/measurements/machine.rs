//! What this machine says about its memory, from `/proc`.

use std::fs;

use serde::{Deserialize, Serialize};

/// The unit of `/proc/net/sockstat` and `/proc/self/statm`, in bytes.
const PAGE_BYTES: u64 = 4096;

/// The kernel's memory that grows with sockets, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KernelMemory {
    /// All slabs: sockets, inodes, dentries, epoll's entries and whatever else lives there.
    pub slab_bytes: u64,
    /// What TCP holds in socket buffers, in this network namespace's count.
    pub socket_bytes: u64,
}

impl KernelMemory {
    /// As it is now; zeros where `/proc` does not say.
    pub(crate) fn now() -> Self {
        let read = |file| fs::read_to_string(file).unwrap_or_default();
        Self {
            slab_bytes: slab(&read("/proc/meminfo")).unwrap_or_default(),
            socket_bytes: sockets(&read("/proc/net/sockstat")).unwrap_or_default(),
        }
    }

    /// Both together.
    pub(crate) fn total(self) -> u64 {
        self.slab_bytes.saturating_add(self.socket_bytes)
    }
}

fn slab(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("Slab:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

fn sockets(sockstat: &str) -> Option<u64> {
    let line = sockstat.lines().find_map(|line| line.strip_prefix("TCP: "))?;
    let pages = line.split_once(" mem ")?.1.trim();
    Some(pages.parse::<u64>().ok()? * PAGE_BYTES)
}

/// This process's memory, in bytes of RSS.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or_default() * PAGE_BYTES
}

/// What tells this boot of this machine from others, whichever namespace asks.
pub(crate) fn identity() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_understood() {
        assert_eq!(slab("MemFree: 1 kB\nSlab:             123 kB\n"), Some(125_952));
        let sockstat = "sockets: used 3\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 341\nUDP: mem 0\n";
        assert_eq!(sockets(sockstat), Some(341 * 4096));
        assert_eq!((slab(""), sockets("")), (None, None));
        assert!(resident_bytes() > 0);
        assert!(KernelMemory::now().slab_bytes > 0);
    }
}
