//! Local ports: one source address towards one port is soon exhausted; more sources and more
//! target ports together are not. Runs in a network namespace of its own with ten local ports, and
//! has no harness because the test starts itself again in there.

mod client;
mod server;

use std::{fs, process::Command};

/// What tells the process inside that it is.
const INSIDE: &str = "STRESS_TEST_NAMESPACE";
const PORTS: u64 = 10;

fn main() {
    if client::was_worker() {
        return;
    }
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    let namespaces: [&[&str]; 2] = [&["--net"], &["--net", "--user", "--map-root-user"]];
    let can = |flags: &&&[&str]| {
        let ready = ["sh", "-c", "ip link set lo up"];
        let tried = Command::new("unshare").args(**flags).args(ready).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let Some(flags) = namespaces.iter().find(can) else {
        println!("skipped: no network namespace (needs unshare, ip, and root or user namespaces)");
        return;
    };
    let program = std::env::current_exe().expect("this program");
    let status = Command::new("unshare")
        .args(*flags)
        .args(["sh", "-c", "ip link set lo up && exec \"$0\""])
        .arg(program)
        .env(INSIDE, "1")
        .status();
    assert!(status.expect("it starts").success());
}

fn inside() {
    let ports: Vec<_> = (0..3).map(|_| server::start(server::Behaviour::default())).collect();
    let range = "/proc/sys/net/ipv4/ip_local_port_range";
    fs::write(range, format!("50000 {}", 50_000 + PORTS - 1)).expect("a namespace of its own");
    let targets = |count: usize| -> String {
        let target = |port: &u16| format!("--target ws://127.0.0.1:{port} ");
        ports[..count].iter().map(target).collect()
    };

    let (_, report) = client::stress(&format!("idle {}--sessions 11 --hold 0s", targets(1)));
    assert_eq!(report["sessions"]["held"], PORTS, "{report:#}");
    let failure = &report["failures"][0];
    assert_eq!(failure["what"], "EADDRNOTAVAIL while connecting", "{report:#}");
    assert!(failure["limit"].as_str().expect("a limit").contains("ip_local_port_range"));

    // Three ports, four sources, ten local ports: 120 pairs, and each is used.
    let sources = "--sources 127.0.0.2-127.0.0.5 --processes 3";
    let (_, report) =
        client::stress(&format!("idle {}--sessions 120 {sources} --hold 0s", targets(3)));
    assert_eq!(report["sessions"]["held_to_end"], 3 * 4 * PORTS, "{report:#}");
}
