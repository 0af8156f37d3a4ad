//! From what a client meets to the limit behind it, with a look at this machine's counters where
//! the error alone does not tell.

use rustix::io::Errno;

use crate::{
    counters::Counters,
    sockets::{Listener, Sockets},
    sysctl::{OF_A_NETWORK, OF_THE_MACHINE, Sysctls},
};

/// What a client met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symptom {
    /// An error of the operating system.
    Errno(i32),
    /// The connection was not made in time.
    ConnectTimeout,
    /// The connection was made, and then nothing came in time.
    Silence,
    /// The server said that it has no room (HTTP 503, WebSocket 1013).
    Refused,
}

/// What this machine shows of a run. It tells about the server only where that shares the machine
/// and the network namespace.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    before: Counters,
    now: Counters,
    sysctls: Sysctls,
    /// Listeners that connections wait at.
    waiting: Vec<Listener>,
}

impl Evidence {
    /// Looks at the machine, after a run before which it looked like this.
    pub fn since(before: &Counters) -> Self {
        let names = [OF_A_NETWORK, OF_THE_MACHINE].concat();
        let mut waiting = Sockets::read().unwrap_or_default().listeners;
        waiting.retain(|listener| listener.waiting > 0);
        Self {
            before: before.clone(),
            now: Counters::read(),
            sysctls: Sysctls::read(&names),
            waiting,
        }
    }

    /// The limit that is likely behind a symptom, and what to do.
    pub fn behind(&self, symptom: Symptom) -> Option<String> {
        match symptom {
            Symptom::Errno(errno) => self.behind_errno(Errno::from_raw_os_error(errno)),
            Symptom::ConnectTimeout => Some(self.behind_timeout()),
            Symptom::Silence => Some(self.behind_silence()),
            Symptom::Refused => Some(
                "the server's admission control (--max-sessions, which RLIMIT_NOFILE caps; \
                 --handshake-rate; memory, --memory-reserve): holdfast doctor --pid tells which"
                    .to_owned(),
            ),
        }
    }

    fn behind_errno(&self, errno: Errno) -> Option<String> {
        let text = match errno {
            Errno::MFILE => {
                "RLIMIT_NOFILE of this process (or fs.nr_open): raise ulimit -n, or --processes"
            }
            Errno::NFILE => "fs.file-max of this machine: sysctl -w fs.file-max=…",
            Errno::NOSPC => "fs.epoll.max_user_watches of this user",
            Errno::ADDRNOTAVAIL => return Some(self.no_port()),
            Errno::TIMEDOUT => return Some(self.behind_timeout()),
            Errno::CONNREFUSED => "nobody listens there, or the server stopped listening",
            Errno::CONNRESET => {
                "the server or a middlebox dropped it: net.ipv4.tcp_abort_on_overflow, \
                 net.ipv4.tcp_max_orphans, conntrack, or a crash"
            }
            Errno::NOBUFS | Errno::NOMEM => "kernel memory: the memory cgroup, or the machine's",
            Errno::PERM => "a firewall's rule, or a limit that may not be raised (fs.nr_open)",
            Errno::HOSTUNREACH | Errno::NETUNREACH => "no route to the target from the source",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn no_port(&self) -> String {
        let range = self.sysctls.all("net.ipv4.ip_local_port_range").unwrap_or_default();
        let range = range.iter().map(u64::to_string).collect::<Vec<_>>().join(" ");
        format!(
            "net.ipv4.ip_local_port_range ({range}): no free port towards the target; widen it \
             ('1024 65535'), or give more --sources or a --target with more ports"
        )
    }

    /// A SYN, or the answer to it, was dropped: by conntrack, or at the accept queue.
    fn behind_timeout(&self) -> String {
        if let Some(full) = self.full_conntrack() {
            return full;
        }
        let overflows = self.now.listen_overflows.saturating_sub(self.before.listen_overflows);
        if overflows > 0 {
            return format!(
                "the server's accept queue overflowed (ListenOverflows +{overflows}): its listen() \
                 --backlog and net.core.somaxconn, or it was stopped or too slow"
            );
        }
        "the server's accept queue (its listen() --backlog, net.core.somaxconn), or conntrack's \
         table (net.netfilter.nf_conntrack_max), on the way or on its machine"
            .to_owned()
    }

    fn full_conntrack(&self) -> Option<String> {
        let most = self.sysctls.get("net.netfilter.nf_conntrack_max").filter(|most| *most > 0)?;
        let count = self.now.conntrack;
        let drops = self.now.conntrack_drops.saturating_sub(self.before.conntrack_drops);
        (drops > 0 || count >= most).then(|| {
            format!(
                "net.netfilter.nf_conntrack_max: conntrack's table is full ({count} of {most}, \
                 {drops} dropped): sysctl -w net.netfilter.nf_conntrack_max={}",
                most.saturating_mul(2)
            )
        })
    }

    /// The kernel made the connection, and the server did not take it, or takes too long.
    fn behind_silence(&self) -> String {
        let full = self.sysctls.get("fs.file-max").zip(self.sysctls.get("fs.file-nr"));
        if let Some((most, open)) = full.filter(|(most, open)| open >= most) {
            return format!("fs.file-max: {open} of {most} files are open on this machine");
        }
        if let Some(Listener { address, waiting, .. }) =
            self.waiting.iter().max_by_key(|one| one.waiting)
        {
            return format!(
                "the server does not accept ({waiting} connections wait at {address}): its \
                 RLIMIT_NOFILE (holdfast doctor --pid), or it is stopped or too slow"
            );
        }
        let overflows = self.now.listen_overflows.saturating_sub(self.before.listen_overflows);
        if overflows > 0 {
            return self.behind_timeout();
        }
        "the server is slower than --rate, or out of descriptors (its RLIMIT_NOFILE): lower the \
         rate or raise --connect-timeout"
            .to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(change: impl FnOnce(&mut Evidence)) -> Evidence {
        let mut evidence = Evidence::default();
        change(&mut evidence);
        evidence
    }

    #[test]
    fn an_error_names_its_limit() {
        let cases = [
            (Errno::MFILE, "RLIMIT_NOFILE"),
            (Errno::NFILE, "fs.file-max"),
            (Errno::ADDRNOTAVAIL, "ip_local_port_range"),
            (Errno::NOSPC, "max_user_watches"),
            (Errno::TIMEDOUT, "somaxconn"),
        ];
        for (errno, limit) in cases {
            let text = Evidence::default().behind(Symptom::Errno(errno.raw_os_error())).unwrap();
            assert!(text.contains(limit), "{text}");
        }
        assert_eq!(Evidence::default().behind(Symptom::Errno(1000)), None);
    }

    #[test]
    fn a_timeout_is_told_apart_by_what_was_counted() {
        let unknown = Evidence::default().behind_timeout();
        assert!(unknown.contains("somaxconn") && unknown.contains("nf_conntrack_max"));
        let conntrack = evidence(|it| {
            it.sysctls = Sysctls::of([("net.netfilter.nf_conntrack_max", vec![300])]);
            it.now.conntrack = 300;
            it.now.listen_overflows = 1;
        });
        assert!(conntrack.behind_timeout().contains("(300 of 300, 0 dropped)"));
        let queue = evidence(|it| {
            (it.before.listen_overflows, it.now.listen_overflows) = (5, 8);
        });
        let text = queue.behind_timeout();
        assert!(text.contains("ListenOverflows +3") && !text.contains("conntrack"), "{text}");
    }

    #[test]
    fn silence_is_told_apart_by_what_waits() {
        let waits = evidence(|it| {
            let address = "127.0.0.1:80".parse().unwrap();
            it.waiting = vec![Listener { address, waiting: 7, backlog: 9, user: 0 }];
        });
        assert!(waits.behind_silence().contains("7 connections wait at 127.0.0.1:80"));
        let files = evidence(|it| {
            it.sysctls = Sysctls::of([("fs.file-max", vec![16]), ("fs.file-nr", vec![650, 0, 16])]);
        });
        assert!(files.behind_silence().contains("fs.file-max: 650 of 16"));
    }
}
