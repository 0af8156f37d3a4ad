//! What the kernel has counted: traces of limits that have been hit.

use std::fs;

use serde::{Deserialize, Serialize};

use crate::{
    cgroup::MemoryCgroup,
    kernel_text::{alternating, column_sum, paired_lines, per_processor},
    sockets::Sockets,
    sysctl::Sysctls,
};

/// The column of `softnet_stat` that counts packets dropped because the queue was full.
const SOFTNET_DROPS: usize = 1;

/// Counts since the network namespace, or the control group, was made; those that say so are of
/// this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Connections that found the accept queue full.
    pub listen_overflows: u64,
    /// Connections dropped before they could be accepted, for any reason.
    pub listen_drops: u64,
    /// SYNs dropped because the queue of half-open connections was full.
    pub request_queue_drops: u64,
    /// SYNs answered with a cookie for the same reason.
    pub request_queue_cookies: u64,
    /// Times that TCP ran into the second value of tcp_mem.
    pub memory_pressures: u64,
    /// Times that a receive queue was pruned for memory.
    pub prunes: u64,
    /// Segments dropped because no memory was left for them.
    pub receive_drops: u64,
    /// Orphans reset because of memory or their number.
    pub aborts_on_memory: u64,
    /// Sockets that skipped TIME_WAIT because there were too many.
    pub time_wait_overflows: u64,
    /// Packets dropped between the network and the protocols, on the whole machine.
    pub softnet_drops: u64,
    /// Connections that found the table of conntrack full.
    pub conntrack_drops: u64,
    /// Connections in that table now.
    pub conntrack: u64,
    /// TCP sockets in use now.
    pub tcp_sockets: u64,
    /// Sockets that no process has any more now, on the whole machine.
    pub orphans: u64,
    /// Sockets in TIME_WAIT now.
    pub time_wait: u64,
    /// Pages of memory in TCP's buffers now, on the whole machine.
    pub tcp_pages: u64,
    /// Sockets in CLOSE_WAIT now.
    pub close_wait: u64,
    /// Times that the memory control group ran into its limit.
    pub cgroup_limit_hits: u64,
    /// Processes of the control group that the kernel has killed for it.
    pub cgroup_oom_kills: u64,
}

impl Counters {
    /// Those of this thread's network namespace, without sockets and control group.
    pub fn read() -> Self {
        let file = |name: &str| {
            fs::read_to_string(format!("/proc/thread-self/net/{name}")).unwrap_or_default()
        };
        let netstat = paired_lines(&file("netstat"), "TcpExt");
        let tcp = |name: &str| netstat.get(name).copied().unwrap_or_default();
        let sockstat = file("sockstat");
        let now = alternating(&sockstat, "TCP");
        let now = |name: &str| now.get(name).copied().unwrap_or_default();
        let tcp6 = alternating(&file("sockstat6"), "TCP6").get("inuse").copied();
        let conntrack = per_processor(&file("stat/nf_conntrack"));
        let count = Sysctls::read(&["net.netfilter.nf_conntrack_count"]);
        Self {
            listen_overflows: tcp("ListenOverflows"),
            listen_drops: tcp("ListenDrops"),
            request_queue_drops: tcp("TCPReqQFullDrop"),
            request_queue_cookies: tcp("TCPReqQFullDoCookies"),
            memory_pressures: tcp("TCPMemoryPressures"),
            prunes: tcp("PruneCalled"),
            receive_drops: tcp("TCPRcvQDrop"),
            aborts_on_memory: tcp("TCPAbortOnMemory"),
            time_wait_overflows: tcp("TCPTimeWaitOverflow"),
            softnet_drops: column_sum(&file("softnet_stat"), SOFTNET_DROPS),
            conntrack_drops: conntrack.get("drop").copied().unwrap_or_default(),
            conntrack: count.get("net.netfilter.nf_conntrack_count").unwrap_or_default(),
            tcp_sockets: now("inuse") + tcp6.unwrap_or_default(),
            orphans: now("orphan"),
            time_wait: now("tw"),
            tcp_pages: now("mem"),
            ..Self::default()
        }
    }

    /// Adds what was found among the sockets.
    pub fn with_sockets(mut self, sockets: &Sockets) -> Self {
        self.close_wait = sockets.close_wait;
        self
    }

    /// Adds what the control group counts.
    pub fn with_cgroup(mut self, group: Option<&MemoryCgroup>) -> Self {
        if let Some(group) = group {
            (self.cgroup_limit_hits, self.cgroup_oom_kills) = group.events();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_counts() {
        let _listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let read = Counters::read();
        assert!(read.tcp_sockets >= 1, "{read:?}");
        assert!(read.listen_drops >= read.listen_overflows);
    }
}
