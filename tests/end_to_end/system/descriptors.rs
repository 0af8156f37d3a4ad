//! A gateway that runs out of descriptors says so once, waits, and goes on.

use std::{io::Write, net::TcpStream, process::Command};

use crate::harness::{
    Client, Event, Gateway, Process, Tcp, WebSocket, Who,
    client::{Refused, connect},
    eventually,
    process::BINARY,
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
fn without_descriptors_clients_wait_and_get_in_when_others_leave() {
    let gateway = start(200, &["--workers=1", "--max-sessions=100000", "--sessions-per-user=1000"]);
    // Its connection stays, whatever happens to others.
    assert_eq!(gateway.get("/readyz").status, 200);
    let handshake = Tcp::handshake(&gateway, &Who::user("u"));
    let knock = |_| -> TcpStream {
        let mut socket = connect(gateway.tcp);
        socket.write_all(&handshake).unwrap();
        socket
    };
    let waiting: Vec<_> = (0..300).map(knock).collect();
    let errors = eventually("accepting fails", || {
        let errors = gateway.metrics().get("holdfast_accept_errors_total{errno=\"EMFILE\"}");
        (errors >= 5.0).then_some(errors)
    });
    // It pauses between tries; without, there would be thousands.
    assert!(errors < 100.0, "{errors} failures");
    assert_eq!(lines_with(&gateway, "cannot accept connections"), 1);
    drop(waiting);
    eventually("others get in", || {
        let mut client = Tcp::adopt(knock(0)).ok()?;
        match client.next() {
            Event::Frame(hello) => (hello["type"] == "hello").then_some(client),
            Event::Closed(_) => None,
        }
    })
    .expect_alive();
    assert_eq!(lines_with(&gateway, "cannot accept connections"), 1);
    assert_eq!(lines_with(&gateway, "accepting connections again"), 1);
}

#[test]
fn what_would_stop_sessions_is_said_at_the_start() {
    let mut gateway = start(300, &["--max-sessions=5000"]);
    gateway.process.find_in_log("a warning of RLIMIT_NOFILE", |line| {
        let warns = line.contains("stops before --max-sessions") && line.contains("RLIMIT_NOFILE");
        warns.then_some(())
    });
}

fn lines_with(gateway: &Gateway, text: &str) -> usize {
    gateway.process.log().iter().filter(|line| line.contains(text)).count()
}
