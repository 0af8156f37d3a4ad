//! `holdfast health`: what a container's health check runs.

use std::{net::TcpListener, process::Command};

use crate::harness::{
    Client, Gateway, Process, PusherApi, Tcp, eventually, process::BINARY, servers::arguments,
};

fn health(url: &str) -> Process {
    let mut command = Command::new(BINARY);
    command.args(["health", "--timeout=10s"]).env("HOLDFAST_URL", url);
    Process::spawn(command)
}

fn refused(url: &str) -> (Option<i32>, String) {
    let mut process = health(url);
    let code = process.wait().code();
    let log = eventually("the reason", || {
        let log = process.log().join("\n");
        (!log.is_empty()).then_some(log)
    });
    (code, log)
}

#[test]
fn running_servers_are_well() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let any = ["127.0.0.1:0".parse().unwrap(); 3];
    let named = Gateway::listen(any, vec![], Process::start(&arguments(any, &[])));
    for url in [
        format!("http://{}/healthz", gateway.operators),
        format!("http://{}/readyz", gateway.operators),
        format!("http://{}/healthz", pusher.address),
        format!("http://{}/readyz", pusher.address),
        format!("http://localhost:{}/readyz", named.operators.port()),
    ] {
        let mut process = health(&url);
        assert_eq!(process.wait().code(), Some(0), "{url}: {:?}", process.log());
        eventually("the answer", || (!process.output().is_empty()).then_some(()));
    }
}

#[test]
fn other_answers_are_not() {
    let gateway = Gateway::start(&["--max-sessions=1"]);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let _session = Tcp::join(&gateway, "u");
    for (url, reason) in [
        (format!("http://{}/readyz", gateway.operators), "503"),
        (format!("http://{}/elsewhere", gateway.operators), "404"),
        (format!("http://{closed}/healthz"), "refused"),
    ] {
        let (code, log) = refused(&url);
        assert_eq!(code, Some(1), "{log}");
        assert!(log.contains(&url) && log.to_lowercase().contains(reason), "{url}: {log}");
    }
    let mut command = Command::new(BINARY);
    let url = format!("--url=http://{}/healthz", silent.local_addr().unwrap());
    command.args(["health", "--timeout=10ms", &url]);
    assert_eq!(Process::spawn(command).wait().code(), Some(1), "nobody answers");
}

#[test]
fn a_url_that_names_no_single_server_is_refused() {
    for url in ["127.0.0.1:8082", "ftp://127.0.0.1:8082/healthz", "http://127.0.0.1:8082-8083/"] {
        let (code, log) = refused(url);
        assert_eq!(code, Some(2), "{log}");
        assert!(log.contains("--url") && log.contains("://"), "{log}");
    }
}
