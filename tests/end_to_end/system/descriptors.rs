//! A gateway with few descriptors.

use std::process::Command;

use crate::harness::{
    Client, Gateway, Process, WebSocket, client::Refused, eventually, process::BINARY,
    servers::arguments,
};

fn start(limit: u32, flags: &[&str]) -> Gateway {
    let any = "127.0.0.1:0".parse().unwrap();
    let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -n {limit}; exec \"$0\" \"$@\"")).arg(BINARY);
    command.args(arguments([any; 3], &flags));
    Gateway::listen([any; 3], flags, Process::spawn(command))
}

#[test]
fn sessions_are_refused_before_descriptors_run_out() {
    let gateway = start(300, &[]);
    let mut sessions = Vec::new();
    let refused = loop {
        match WebSocket::open(&gateway, format!("u{}", sessions.len()).as_str()) {
            Ok((session, _)) => sessions.push(session),
            Err(refused) => break refused,
        }
        assert!(sessions.len() < 300);
    };
    assert_eq!(refused, Refused::Status(503));
    let ready = gateway.get("/readyz");
    assert_eq!((ready.status, ready.header("retry-after").is_some()), (503, true));
    assert_eq!(gateway.metrics().get("holdfast_accept_errors_total"), 0.0);
    sessions.pop();
    eventually("room again", || WebSocket::open(&gateway, "late").ok());
    eventually("ready again", || (gateway.get("/readyz").status == 200).then_some(()));
}

#[test]
fn what_would_stop_sessions_is_said_at_the_start() {
    let mut gateway = start(300, &["--max-sessions=5000"]);
    gateway.process.find_in_log("a warning of RLIMIT_NOFILE", |line| {
        let warns = line.contains("stops before --max-sessions") && line.contains("RLIMIT_NOFILE");
        warns.then_some(())
    });
}
