//! fs.file-max and fs.nr_open. Both belong to the whole machine: file-max does not bind processes
//! with CAP_SYS_ADMIN, so only a gateway without it is stopped here; nr_open is not set below what
//! processes of this machine may have open.

use std::process::Command;

use crate::{
    harness::{
        Client, Gateway, Process, WebSocket, namespace::skip, process::BINARY, servers::arguments,
    },
    kept::Kept,
    place::{Need, case},
    runs::{Diagnosis, Load},
};

const SESSIONS: u32 = 200;

fn without_privilege() -> Gateway {
    let any = "127.0.0.1:0".parse().unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--inh-caps=-sys_admin", "--bounding-set=-sys_admin", BINARY]);
    command.args(arguments([any; 3], &[]));
    Gateway::listen([any; 3], Vec::new(), Process::spawn(command))
}

#[test]
fn a_machine_without_file_handles() {
    let needs = [Need::Program("setpriv", "--version"), Need::Setting("fs.file-max")];
    case("files", &needs, |home| {
        let gateway = without_privilege();
        let mut witness = WebSocket::join(&gateway, "witness");
        assert_eq!(gateway.metrics().get("holdfast_accept_errors_total"), 0.0);
        let file_max = Kept::new(home, "fs.file-max");
        file_max.set("16");

        let load = Load::websockets(gateway.http, SESSIONS, &["--connect-timeout=2s"]);
        load.assert_fails("timeout while", "fs.file-max");
        witness.expect_alive();
        assert!(gateway.metrics().get("holdfast_accept_errors_total{errno=\"ENFILE\"}") > 0.0);
        let found = Diagnosis::of(home, &gateway, SESSIONS, &[]);
        found.assert_names("fs.file-max", "sysctl -w fs.file-max=");
        found.assert_stopped_by("fs.file-max");
        assert_eq!(found.limit("fs.file-max", "verdict"), "hit");

        let fixed = Diagnosis::of(home, &gateway, SESSIONS, &["--fix"]);
        fixed.assert_fixed("fs.file-max");
        Load::websockets(gateway.http, SESSIONS, &[]).assert_passes();
        witness.expect_alive();
    });
}

#[test]
fn nr_open_caps_what_a_process_may_be_given() {
    case("nr-open", &[Need::Setting("fs.nr_open")], |home| {
        let gateway = Gateway::start(&[]);
        let nr_open = Kept::new(home, "fs.nr_open");
        let before: u64 = nr_open.before().parse().unwrap();
        let hard = Diagnosis::here(1, &[]).limit("RLIMIT_NOFILE", "current").as_u64().unwrap();
        if hard >= before {
            return skip("nr-open", "a hard RLIMIT_NOFILE below fs.nr_open");
        }
        // No process that was started like this one has a higher descriptor.
        nr_open.set(&hard.to_string());
        let wanted = u32::try_from(hard).unwrap();
        let found = Diagnosis::of(home, &gateway, wanted, &[]);
        found.assert_names("fs.nr_open", "sysctl -w fs.nr_open=");
        let raised = format!("ulimit -n {}", hard + 1);
        let shell = || Command::new("sh").args(["-c", &raised]).output().unwrap();
        assert!(!shell().status.success());

        let fixed = Diagnosis::of(home, &gateway, wanted, &["--fix"]);
        fixed.assert_fixed("fs.nr_open");
        // Where nothing else forbids it; the right to raise hard limits is CAP_SYS_RESOURCE.
        if fixed.limit("RLIMIT_NOFILE", "verdict") == "ok" {
            assert!(shell().status.success());
        }
    });
}
