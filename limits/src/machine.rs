//! Everything that is read before it is judged.

use std::io;

use procfs::{Current, Meminfo};

use crate::{
    cgroup::{MemoryCgroup, MemoryUse},
    counters::Counters,
    network::Network,
    process::ProcessLimits,
    reserved::ReservedPorts,
    sockets::Sockets,
    sysctl::{self, OF_A_NETWORK, OF_THE_MACHINE, Sysctls},
};

/// A machine, as a process on it meets it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The limits of the process.
    pub process: ProcessLimits,
    /// Settings of the process's network namespace and of the machine.
    pub sysctls: Sysctls,
    /// What has been counted there.
    pub counters: Counters,
    /// Sockets of note there.
    pub sockets: Sockets,
    /// Ports of that namespace that no connect is given.
    pub reserved_ports: ReservedPorts,
    /// Whether that namespace is the machine's first: others do not show all there is.
    pub in_first_network: bool,
    /// The tightest limit of the process's memory control groups.
    pub cgroup: Option<MemoryUse>,
    /// How much of them is reclaimed first when the machine is short, where that is set: version
    /// 1's soft limit, in bytes.
    pub soft_limit: Option<u64>,
    /// Memory of the machine.
    pub memory: Memory,
}

/// Memory of the machine, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What can still be had without swapping.
    pub available: u64,
}

impl Memory {
    /// This machine's.
    ///
    /// # Errors
    /// /proc/meminfo cannot be read.
    pub fn read() -> io::Result<Self> {
        let read = Meminfo::current().map_err(crate::process::into_io)?;
        let available = read.mem_available.unwrap_or(read.mem_free);
        Ok(Self { total: read.mem_total, available })
    }
}

/// How much is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What takes the same time however many sockets there are.
    Settings,
    /// Sockets, too.
    Sockets,
}

impl Machine {
    /// Reads the machine as a process meets it, in its own namespaces and control groups; or as
    /// this process does.
    ///
    /// # Errors
    /// There is no such process, or it may not be looked at.
    pub fn read(process: Option<u32>, depth: Depth) -> io::Result<Self> {
        let limits = ProcessLimits::read(process)?;
        let network = process.map_or(Network::Own, Network::Of);
        let (of_network, counters, sockets, reserved_ports, in_first_network) =
            network.within(|| {
                let sockets = match depth {
                    Depth::Settings => Sockets::default(),
                    // A kernel that tells nothing about sockets still has limits.
                    Depth::Sockets => Sockets::read().unwrap_or_default(),
                };
                let names = [OF_A_NETWORK, OF_THE_MACHINE].concat();
                let reserved = sysctl::text("net.ipv4.ip_local_reserved_ports").unwrap_or_default();
                let reserved = ReservedPorts::parse(&reserved);
                let is_first = sysctl::is_in_first_network();
                (Sysctls::read(&names), Counters::read(), sockets, reserved, is_first)
            })?;
        let group = MemoryCgroup::find(process);
        Ok(Self {
            process: limits,
            sysctls: of_the_machine().or(of_network),
            counters: counters.with_sockets(&sockets).with_cgroup(group.as_ref()),
            sockets,
            reserved_ports,
            in_first_network,
            soft_limit: group.as_ref().and_then(MemoryCgroup::soft_limit),
            cgroup: group.and_then(|group| group.tightest()),
            memory: Memory::read()?,
        })
    }
}

/// Some of the machine's settings are seen in its first network namespace only: this process's, or
/// else, if that may be entered, that of process 1.
fn of_the_machine() -> Sysctls {
    let own = Sysctls::read(OF_THE_MACHINE);
    if own.get("net.ipv4.tcp_mem").is_some() {
        return own;
    }
    let first = Network::Of(1).within(|| Sysctls::read(OF_THE_MACHINE));
    own.or(first.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_and_its_own_reading_agree() {
        let own = Machine::read(None, Depth::Settings).unwrap();
        let other = Machine::read(Some(std::process::id()), Depth::Sockets).unwrap();
        assert_eq!(own.process.descriptors.hard, other.process.descriptors.hard);
        assert_eq!(own.memory.total, other.memory.total);
        assert!(own.memory.available <= own.memory.total);
        assert_eq!(own.sysctls.get("net.core.somaxconn"), other.sysctls.get("net.core.somaxconn"));
    }
}
