//! The table of connections, full.

use crate::{
    harness::{
        Client, Gateway, WebSocket,
        namespace::{run, skip},
    },
    kept::Kept,
    place::{Home, Need, case},
    runs::{Diagnosis, Load},
};

const LIMIT: &str = "net.netfilter.nf_conntrack_max";
/// So many connections do not find a place.
const TOO_MANY: u32 = 300;
/// With more of others' connections it would take too long to fill the table.
const TOO_MANY_OTHERS: u32 = 4_000;

/// A rule that looks at connections makes the kernel track them; nftables or iptables adds it.
fn track() -> bool {
    let table = "add table ip lab; add chain ip lab out { type filter hook output priority 0; }; \
                 add rule ip lab out ct state new accept";
    run("nft", &[table])
        || run("iptables", &["-A", "OUTPUT", "-m", "conntrack", "--ctstate", "NEW", "-j", "ACCEPT"])
}

/// Connections that are tracked where the test was started, on behalf of others.
fn tracked_elsewhere(home: &Home) -> u32 {
    let file = "/proc/sys/net/netfilter/nf_conntrack_count";
    let count = home.within(|| std::fs::read_to_string(file).unwrap_or_default());
    count.trim().parse().unwrap_or(0)
}

#[test]
fn a_full_table_drops_new_connections_only() {
    if !std::path::Path::new(&crate::place::path(LIMIT)).exists() {
        // The module is loaded by the first rule that needs it.
        run("modprobe", &["nf_conntrack"]);
    }
    case("conntrack", &[Need::Setting(LIMIT)], |home| {
        if !track() {
            return skip("conntrack", "nft or iptables, and a kernel that tracks connections");
        }
        let others = tracked_elsewhere(home);
        if others > TOO_MANY_OTHERS {
            return skip("conntrack", "a machine on which fewer connections are tracked");
        }
        // Nobody reads the witness's pings meanwhile.
        let gateway = Gateway::start(&["--ping-interval=10m"]);
        let mut witness = WebSocket::join(&gateway, "witness");
        // The limit is every namespace's, so others must not meet it.
        let (max, few) = (Kept::new(home, LIMIT), 2_000.max(others + 1_000));
        max.set(&few.to_string());
        let sessions = few + TOO_MANY;

        let load = Load::websockets(gateway.http, sessions, &["--connect-timeout=4s"]);
        load.assert_fails("timeout while connecting", LIMIT);
        witness.expect_alive();
        let found = Diagnosis::of(home, &gateway, sessions, &[]);
        found.assert_names(LIMIT, "sysctl -w net.netfilter.nf_conntrack_max=");
        found.assert_stopped_by(LIMIT);
        assert!(found.counter("conntrack_drops") > 0);

        Diagnosis::of(home, &gateway, sessions, &["--fix"]).assert_fixed(LIMIT);
        Load::websockets(gateway.http, sessions, &[]).assert_passes();
        witness.expect_alive();
    });
}
