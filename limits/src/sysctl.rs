//! Settings under /proc/sys, as the thread that reads them sees them: those of the network belong
//! to its namespace, and some are seen in the machine's first namespace only.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::PathBuf,
};

use crate::kernel_text::numbers;

/// The longest text read; a setting is a page at most, but for lists of ports.
const LONGEST: usize = 64 * 1024;

/// Those that belong to a network namespace.
pub const OF_A_NETWORK: &[&str] = &[
    "net.core.somaxconn",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_abort_on_overflow",
    "net.ipv4.tcp_ehash_entries",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_retries2",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
    "net.netfilter.nf_conntrack_count",
];

/// Those that belong to the machine.
pub const OF_THE_MACHINE: &[&str] = &[
    "fs.epoll.max_user_watches",
    "fs.file-max",
    "fs.file-nr",
    "fs.nr_open",
    "net.core.netdev_max_backlog",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_mem",
    "net.netfilter.nf_conntrack_buckets",
    "net.netfilter.nf_conntrack_max",
];

/// What some settings are.
#[derive(Debug, Clone, Default)]
pub struct Sysctls(BTreeMap<&'static str, Vec<u64>>);

impl Sysctls {
    /// Those of these names that this thread can see.
    pub fn read(names: &[&'static str]) -> Self {
        let value = |name: &&'static str| {
            let text = text(name).ok()?;
            // A namespace without a table of connections of its own shows the size of the shared
            // one as a negative number (ip-sysctl, tcp_ehash_entries).
            Some((*name, numbers(text.trim_start_matches('-'))?))
        };
        Self(names.iter().filter_map(value).collect())
    }

    /// Adds what only `other` has.
    pub fn or(mut self, other: Self) -> Self {
        for (name, value) in other.0 {
            self.0.entry(name).or_insert(value);
        }
        self
    }

    /// The numbers of a setting, if it can be seen.
    pub fn all(&self, name: &str) -> Option<&[u64]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// The first number of a setting.
    pub fn get(&self, name: &str) -> Option<u64> {
        self.all(name)?.first().copied()
    }

    /// The last number of a setting: of three, the highest.
    pub fn last(&self, name: &str) -> Option<u64> {
        self.all(name)?.last().copied()
    }

    /// A set of these values, for tests of what follows from them.
    pub fn of(values: impl IntoIterator<Item = (&'static str, Vec<u64>)>) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Sets one, in the namespace of this thread.
///
/// # Errors
/// It may not be set, or not here.
pub fn write(name: &str, value: &str) -> io::Result<()> {
    fs::write(path(name), value)
}

/// What one says, in the namespace of this thread.
///
/// # Errors
/// It cannot be seen here.
pub fn text(name: &str) -> io::Result<String> {
    // Lists are told in one read, and a second one begins nowhere: what does not fit into the buffer
    // is lost, and reading to the end begins with a small one.
    let mut buffer = vec![0; LONGEST];
    let length = File::open(path(name))?.read(&mut buffer)?;
    buffer.truncate(length);
    String::from_utf8(buffer).map_err(io::Error::other)
}

/// Whether this thread is in the machine's first network namespace, where alone some settings of the
/// machine are seen.
pub fn is_in_first_network() -> bool {
    text("net.ipv4.tcp_mem").is_ok()
}

fn path(name: &str) -> PathBuf {
    PathBuf::from("/proc/sys").join(name.replace('.', "/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machines_settings_are_read() {
        let read = Sysctls::read(OF_A_NETWORK).or(Sysctls::read(OF_THE_MACHINE));
        let ports = read.all("net.ipv4.ip_local_port_range").unwrap();
        assert!(ports.len() == 2 && ports[0] < ports[1]);
        assert!(read.get("fs.nr_open").unwrap() > 0);
        assert_eq!(read.get("net.no.such"), None);
    }
}
