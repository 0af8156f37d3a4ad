//! Local ports of the connecting side, used up towards one listening port.

use crate::{
    harness::{Client, Gateway, Process, WebSocket},
    place::{Home, case},
    runs::{Diagnosis, Load},
};

const SESSIONS: u32 = 500;
const LIMIT: &str = "net.ipv4.ip_local_port_range";

/// Listens on three ports. They are free: the namespace is new.
fn gateway() -> Gateway {
    let [http, tcp, operators] =
        ["127.0.0.1:8100-8102", "127.0.0.1:8200", "127.0.0.1:8300"].map(str::to_owned);
    let flags = [
        "gateway".to_owned(),
        "--log-format=json".to_owned(),
        "--development".to_owned(),
        format!("--listen={http}"),
        format!("--listen-tcp={tcp}"),
        format!("--listen-operators={operators}"),
    ];
    let addresses = ["127.0.0.1:8100", "127.0.0.1:8200", "127.0.0.1:8300"];
    let addresses = addresses.map(|address| address.parse().unwrap());
    Gateway::listen(addresses, Vec::new(), Process::start(&flags))
}

/// 300 ports for 500 sessions.
fn too_few_ports(home: &Home) -> (Gateway, WebSocket) {
    let gateway = gateway();
    std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40299").unwrap();
    let mut witness = WebSocket::join(&gateway, "witness");
    let load = Load::idle("ws://127.0.0.1:8100", SESSIONS, &[]);
    load.assert_fails("EADDRNOTAVAIL while connecting", LIMIT);
    witness.expect_alive();
    let found = Diagnosis::of(home, &gateway, SESSIONS, &["--with-client"]);
    found.assert_names(LIMIT, "'net.ipv4.ip_local_port_range=1024 65535'");
    found.assert_names(LIMIT, "--sources");
    (gateway, witness)
}

#[test]
fn ports_run_out_and_a_wider_range_cures_it() {
    case("port-range", &[], |home| {
        let (gateway, mut witness) = too_few_ports(home);
        let fixed = Diagnosis::of(home, &gateway, SESSIONS, &["--with-client", "--fix"]);
        fixed.assert_fixed(LIMIT);
        // The gateway can start again on its ports, however many connects there are.
        let reserved = limits::sysctl::text("net.ipv4.ip_local_reserved_ports");
        assert_eq!(reserved.unwrap().trim(), "8080-8082,8090,8100-8102,8200,8300");
        Load::idle("ws://127.0.0.1:8100", SESSIONS, &[]).assert_passes();
        witness.expect_alive();
    });
}

#[test]
fn ports_run_out_and_more_sources_cure_it() {
    case("port-sources", &[], |home| {
        let (_gateway, mut witness) = too_few_ports(home);
        let sources = "--sources=127.0.0.2-127.0.0.3";
        Load::idle("ws://127.0.0.1:8100", SESSIONS, &[sources]).assert_passes();
        witness.expect_alive();
    });
}

#[test]
fn ports_run_out_and_more_listening_ports_cure_it() {
    case("port-targets", &[], |home| {
        let (_gateway, mut witness) = too_few_ports(home);
        Load::idle("ws://127.0.0.1:8101-8102", SESSIONS, &[]).assert_passes();
        witness.expect_alive();
    });
}
