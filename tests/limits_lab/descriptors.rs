//! RLIMIT_NOFILE: reached, or raised in the wrong place.

use std::process::Command;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::{
    harness::{
        Client, Gateway, Process, WebSocket, namespace::skip, process::BINARY, servers::arguments,
    },
    place::case,
    runs::{Diagnosis, Load},
};

const SESSIONS: u32 = 600;
const TOO_FEW: u64 = 300;

fn soft_limit(gateway: &Gateway, soft: u64) {
    let hard = getrlimit(Resource::Nofile).maximum;
    let pid = Pid::from_raw(gateway.process.pid() as i32);
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(soft), maximum: hard }).unwrap();
}

#[test]
fn a_process_without_descriptors_gets_more_while_it_runs() {
    case("descriptors", &[], |home| {
        if getrlimit(Resource::Nofile).maximum.is_some_and(|hard| hard < 2000) {
            return skip("descriptors", "a hard RLIMIT_NOFILE of 2000");
        }
        let gateway = Gateway::start(&["--max-sessions=1500"]);
        let mut witness = WebSocket::join(&gateway, "witness");
        assert_eq!(gateway.metrics().get("holdfast_accept_errors_total"), 0.0);
        soft_limit(&gateway, TOO_FEW);

        let load = Load::websockets(gateway.http, SESSIONS, &["--connect-timeout=2s"]);
        load.assert_fails("timeout while", "RLIMIT_NOFILE");
        witness.expect_alive();
        let errors = gateway.metrics().get("holdfast_accept_errors_total{errno=\"EMFILE\"}");
        assert!(errors > 0.0);
        let found = Diagnosis::of(home, &gateway, SESSIONS, &[]);
        found.assert_names("RLIMIT_NOFILE", "prlimit --pid");
        found.assert_stopped_by("RLIMIT_NOFILE");

        let fixed = Diagnosis::of(home, &gateway, SESSIONS, &["--fix"]);
        fixed.assert_fixed("RLIMIT_NOFILE");
        assert_eq!(fixed.code, 0);
        Load::websockets(gateway.http, SESSIONS, &[]).assert_passes();
        witness.expect_alive();
    });
}

/// What a supervisor does that has a limit of its own: systemd without LimitNOFILE=, docker
/// without --ulimit.
fn supervised(limit: u64) -> Gateway {
    let any = "127.0.0.1:0".parse().unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {limit}; exec \"$0\" \"$@\"")).arg(BINARY);
    command.args(arguments([any; 3], &[]));
    Gateway::listen([any; 3], Vec::new(), Process::spawn(command))
}

#[test]
fn a_limit_raised_in_the_shell_does_not_reach_the_service() {
    case("service", &[], |home| {
        let gateway = supervised(TOO_FEW);
        let mut witness = WebSocket::join(&gateway, "witness");
        let load = Load::websockets(gateway.http, SESSIONS, &[]);
        load.assert_fails("HTTP status 503", "RLIMIT_NOFILE");
        witness.expect_alive();
        let refused = "holdfast_handshakes_total{result=\"full\",transport=\"websocket\"}";
        assert!(gateway.metrics().get(refused) > 0.0);

        // The shell's own limit, with which a process started here would do.
        let here = Diagnosis::here(SESSIONS, &[]);
        assert_eq!(here.limit("RLIMIT_NOFILE", "verdict"), "ok");
        let found = Diagnosis::of(home, &gateway, SESSIONS, &[]);
        assert_eq!(found.limit("RLIMIT_NOFILE", "current"), TOO_FEW);
        found.assert_names("RLIMIT_NOFILE", "LimitNOFILE=989");
        found.assert_stopped_by("RLIMIT_NOFILE");

        let enough = found.limit("RLIMIT_NOFILE", "needed").as_u64().unwrap();
        drop((witness, gateway));
        let gateway = supervised(enough);
        Load::websockets(gateway.http, SESSIONS, &[]).assert_passes();
        assert_eq!(Diagnosis::of(home, &gateway, SESSIONS, &[]).code, 0);
    });
}
