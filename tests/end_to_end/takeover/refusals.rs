//! Successors that may not, or cannot: the gateway goes on, and nobody notices.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    process::Command,
};

use serde_json::{Value, json};

use super::{Waiting, directory};
use crate::harness::{Client, Gateway, Process, Tcp, WebSocket, process::BINARY};

/// The client is served by the gateway that there was.
fn goes_on(waiting: &Waiting, client: &mut impl Client, process: u32) {
    client.expect_alive();
    assert_eq!(waiting.gateway.process.pid(), process);
    Tcp::join(&waiting.gateway, "another").expect_alive();
}

/// A successor with these flags ends with this code and these words.
fn is_refused(waiting: &Waiting, flags: &[&str], code: i32, words: &str) {
    let mut successor = waiting.gateway.start_successor(flags);
    let status = successor.wait();
    let log = successor.log();
    assert_eq!(status.code(), Some(code), "{log:?}");
    assert!(log.iter().any(|line| line.contains(words)), "{words}: {log:?}");
}

#[test]
fn a_successor_that_cannot_is_refused_and_the_next_one_is_not() {
    let mut waiting = Waiting::start(&["--link-secret=0123456789abcdef"]);
    let process = waiting.gateway.process.pid();
    let mut clients =
        [WebSocket::join(&waiting.gateway, "a"), WebSocket::join(&waiting.gateway, "b")];
    // Its settings are wrong.
    is_refused(&waiting, &["--frame-rate=0"], 2, "--frame-rate");
    // An address of its own is taken.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let also = format!("--listen-tcp={}", taken.local_addr().unwrap());
    let addresses = [waiting.gateway.http, waiting.gateway.tcp, waiting.gateway.operators];
    let socket = format!("--takeover={}/socket", waiting.directory.path().display());
    let mut successor = Process::start(&[
        "gateway".into(),
        "--insecure".into(),
        "--link-secret=0123456789abcdef".into(),
        socket,
        format!("--listen={}", addresses[0]),
        also,
        format!("--listen-operators={}", addresses[2]),
    ]);
    assert_eq!(successor.wait().code(), Some(1), "{:?}", successor.log());
    // It has no room.
    is_refused(&waiting, &["--max-sessions=1"], 1, "room");
    // It does not know the secret, or knows of none.
    is_refused(&waiting, &["--link-secret=another-secret-16"], 1, "link secret");
    for client in &mut clients {
        goes_on(&waiting, client, process);
    }
    waiting.succeed(&[]);
    clients.iter_mut().for_each(Client::expect_alive);
    waiting.gateway.await_metric("holdfast_takeover_sessions", 2.0);
}

#[test]
fn a_place_that_others_can_change_is_no_place() {
    let directory = directory();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(directory.path(), open).unwrap();
    let socket = format!("--takeover={}/socket", directory.path().display());
    let mut process = Process::start(&["gateway".into(), "--insecure".into(), socket]);
    assert_eq!(process.wait().code(), Some(2), "{:?}", process.log());
    assert!(process.log().iter().any(|line| line.contains("--takeover")), "{:?}", process.log());
}

#[test]
fn another_user_gets_nothing() {
    if !rustix::process::geteuid().is_root() {
        return crate::harness::namespace::skip("another_user_gets_nothing", "root");
    }
    let waiting = Waiting::start(&[]);
    let mut client = Tcp::join(&waiting.gateway, "u");
    // Let to the socket, which no other user is.
    let open = |path: &std::path::Path| {
        let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
        std::fs::set_permissions(path, all).unwrap();
    };
    open(waiting.directory.path());
    open(&waiting.directory.path().join("socket"));
    let script = format!(
        "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect({:?})\nprint(s.recv(4096))",
        waiting.directory.path().join("socket")
    );
    let mut other = Command::new("setpriv");
    other.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "/usr/bin/python3",
        "-c",
        &script,
    ]);
    let said = other.output().unwrap();
    let said = format!("{:?}", [said.stdout, said.stderr].map(String::from_utf8));
    assert!(said.contains("another user") && !said.contains("challenge"), "{said}");
    client.expect_alive();
    assert_eq!(waiting.gateway.metrics().get(r#"holdfast_takeovers_total{result="refused"}"#), 1.0);
    // Nor does a process take over from one of another user.
    drop(client);
}

/// Somebody who knows the words.
struct Impostor(UnixStream);

impl Impostor {
    fn come(waiting: &Waiting) -> Self {
        Self(UnixStream::connect(waiting.directory.path().join("socket")).unwrap())
    }

    fn say(&mut self, words: &Value) {
        let text = words.to_string();
        self.0.write_all(&(text.len() as u32).to_be_bytes()).unwrap();
        self.0.write_all(text.as_bytes()).unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    /// As far as the first of what is given.
    fn begin(waiting: &Waiting) -> Self {
        let mut it = Self::come(waiting);
        assert_eq!(it.hear()["challenge"]["records"], 1);
        it.say(&json!({ "hello": { "nonce": "n", "proofs": [], "records": 1, "sessions": 100, "descriptors": 1000 } }));
        assert!(it.hear()["welcome"]["sessions"].is_number());
        it.say(&json!("begin"));
        assert!(it.hear()["process"]["instance"].is_string());
        it
    }
}

#[test]
fn whoever_stops_half_way_has_nothing() {
    let mut waiting = Waiting::start(&[]);
    let process = waiting.gateway.process.pid();
    let mut client = WebSocket::join(&waiting.gateway, "u");
    // It leaves at once, in the middle of a word, and when it is given something.
    drop(Impostor::come(&waiting));
    let mut torn = Impostor::come(&waiting);
    torn.0.write_all(&[0, 0, 1, 0, b'{']).unwrap();
    drop(torn);
    drop(Impostor::begin(&waiting));
    goes_on(&waiting, &mut client, process);
    // It says something else than is its turn to say, or refuses.
    let mut wrong = Impostor::begin(&waiting);
    wrong.say(&json!("taken"));
    goes_on(&waiting, &mut client, process);
    let mut unwilling = Impostor::begin(&waiting);
    unwilling.say(&json!({ "refused": "no" }));
    goes_on(&waiting, &mut client, process);
    // It has everything, and says nothing.
    let mut mute = Impostor::begin(&waiting);
    mute.say(&json!("had"));
    let abandoned = loop {
        let said = mute.hear();
        if said.get("abandoned").is_some() {
            break said;
        }
        if said.get("all").is_none() {
            mute.say(&json!("had"));
        }
    };
    assert!(abandoned["abandoned"].is_string());
    goes_on(&waiting, &mut client, process);
    drop(mute);
    waiting.succeed(&[]);
    client.expect_alive();
}

#[test]
fn a_gateway_without_a_predecessor_begins_by_itself() {
    let directory = directory();
    let path = directory.path().join("socket");
    // Somebody was there and has ended.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let flag = format!("--takeover={}", path.display());
    let mut gateway = Gateway::start(&[&flag]);
    Tcp::join(&gateway, "u").expect_alive();
    gateway.terminate();
    assert_eq!(gateway.wait().code(), Some(0));
    assert!(!path.exists(), "nobody waits there any more");
    assert!(std::fs::exists(BINARY).unwrap());
}
