//! The kernel's memory that grows with sockets, in no process's resident set.

use std::fs;

use procfs::{Current, Meminfo};
use serde::{Deserialize, Serialize};

use crate::kernel_text::alternating;

/// The kernel's memory that grows with sockets, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelMemory {
    /// All slabs: sockets, inodes, dentries, epoll's entries and whatever else lives there.
    pub slab_bytes: u64,
    /// What TCP holds in socket buffers, in this network namespace's count.
    pub socket_bytes: u64,
}

impl KernelMemory {
    /// As it is now; zeros where `/proc` does not say.
    pub fn now() -> Self {
        let sockstat = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
        Self {
            slab_bytes: Meminfo::current().map_or(0, |memory| memory.slab),
            socket_bytes: socket_bytes(&sockstat),
        }
    }

    /// Both together.
    pub fn total(self) -> u64 {
        self.slab_bytes.saturating_add(self.socket_bytes)
    }
}

/// What TCP holds, from `/proc/net/sockstat`, which counts pages.
fn socket_bytes(sockstat: &str) -> u64 {
    let pages = alternating(sockstat, "TCP").get("mem").copied().unwrap_or_default();
    pages.saturating_mul(procfs::page_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_is_understood() {
        let sockstat = "sockets: used 3\nTCP: inuse 1 orphan 0 tw 0 alloc 1 mem 341\nUDP: mem 0\n";
        assert_eq!(socket_bytes(sockstat), 341 * procfs::page_size());
        assert_eq!(socket_bytes(""), 0);
        assert!(KernelMemory::now().slab_bytes > 0);
    }
}
