//! `holdfast up`: everything at once, for trying things out.

use std::{io::Write, net::SocketAddr, process::Command};

use serde_json::Value;

use crate::harness::{
    Client, Gateway, Http, Process, PusherApi, WebSocket, client::connect, eventually, example,
    files::TestDirectory, process::BINARY, websocket::read_head,
};

const ANY: [&str; 4] = [
    "--listen=127.0.0.1:0",
    "--listen-tcp=127.0.0.1:0",
    "--listen-operators=127.0.0.1:0",
    "--listen-backends=127.0.0.1:0",
];

/// The address behind this scheme in the printed text.
fn address(text: &str, scheme: &str) -> SocketAddr {
    let rest = text.split(scheme).nth(1).unwrap();
    rest.split(['/', ' ', '\n']).next().unwrap().parse().unwrap()
}

/// The process, what it prints, and what it keeps.
fn start(first: &[&str]) -> (Process, String, TestDirectory) {
    start_with(first.iter().chain(&ANY).map(|flag| (*flag).to_owned()).collect())
}

fn start_with(mut arguments: Vec<String>) -> (Process, String, TestDirectory) {
    let data = TestDirectory::new("up");
    arguments.push(data.flag("data"));
    let process = Process::start(&arguments);
    let text = eventually("what to do next", || {
        let text = process.output().join("\n");
        text.contains("-d '").then_some(text)
    });
    (process, text, data)
}

#[test]
fn what_it_prints_works() {
    for first in [&["up"][..], &[]] {
        let (mut process, text, data) = start(first);
        let clients = address(&text, "ws://");
        let mut socket = connect(clients);
        let request = format!(
            "GET /v1/ws?user=demo HTTP/1.1\r\nHost: {clients}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        std::io::Write::write_all(&mut socket, request.as_bytes()).unwrap();
        let mut client = WebSocket::adopt(socket).unwrap();
        client.expect("hello");

        // The line to paste, taken apart.
        let backends = address(&text, "curl -X POST http://");
        let body = text.split("-d '").nth(1).unwrap().split('\'').next().unwrap();
        let backend = Http::new(backends);
        assert_eq!(backend.post("/v1/push", "application/json", body).status, 202, "at once");
        let sent: Value = serde_json::from_str(body).unwrap();
        assert_eq!(client.expect("push")["data"], sent["data"]);
        assert_eq!(backend.get("/").status, 200, "the page to open");
        assert!(text.contains(&data.path().display().to_string()), "where it keeps things: {text}");
        let kept = body.replacen('{', r#"{"ttl":60,"#, 1);
        assert_eq!(backend.post("/v1/push", "application/json", &kept).status, 202);
        assert_eq!(backend.get("/v1/users/demo").json()["kept"]["count"], 1);
        let output = process.output().join("\n");
        let (_, behind) = output.split_once("-d '").unwrap();
        assert_eq!(behind.trim().lines().count(), 1, "nothing behind what to do: {behind}");

        process.signal(rustix::process::Signal::TERM);
        client.expect_bye("draining", 1012);
        drop(client);
        assert_eq!(process.wait().code(), Some(0));
    }
}

#[test]
fn a_push_of_one_example_reaches_the_session_of_the_other() {
    let (gateway_and_pusher_api, text, _data) = start(&["up"]);
    let clients = format!("ws://{}", address(&text, "ws://"));
    let backends = address(&text, "curl -X POST http://");
    eventually("pushes are taken", || {
        (Http::new(backends).get("/readyz").status == 200).then_some(())
    });
    let backends = format!("http://{backends}");
    let printed = |process: &Process, what: &str| {
        eventually(what, || process.output().iter().any(|line| line.contains(what)).then_some(()));
    };

    let mut session = Process::spawn(example("session", &[&clients, "demo"]));
    printed(&session, r#""type":"hello""#);
    let mut push = Process::spawn(example("push", &[&backends, "demo"]));
    assert!(push.wait().success(), "{:?}", push.log());
    printed(&push, r#""outcome":"written""#);
    printed(&session, r#""data":{"text":"hello"}"#);

    gateway_and_pusher_api.signal(rustix::process::Signal::TERM);
    assert!(session.wait().success(), "it ends with the close: {:?}", session.log());
}

#[test]
fn where_it_keeps_things_is_the_users_own() {
    let home = TestDirectory::new("home");
    for (variable, below) in [("HOME", ".local/share/holdfast"), ("XDG_DATA_HOME", "holdfast")] {
        let mut command = Command::new(BINARY);
        command.arg("up").args(ANY).env_remove("XDG_DATA_HOME").env(variable, home.path());
        let process = Process::spawn(command);
        let expected = home.path().join(below);
        eventually("where it is", || {
            let text = process.output().join("\n");
            text.contains(&expected.display().to_string()).then_some(())
        });
        assert!(expected.join("holdfast.sqlite").exists());
    }
    let mut command = Command::new(BINARY);
    command.arg("up").args(ANY).env_remove("XDG_DATA_HOME").env_remove("HOME");
    let mut process = Process::spawn(command);
    assert_eq!(process.wait().code(), Some(2));
    assert!(process.log().join("\n").contains("--data"));
}

#[test]
fn it_listens_on_loopback_only() {
    let mut process = Process::start(&["up".to_owned(), "--listen=0.0.0.0:0".to_owned()]);
    assert_eq!(process.wait().code(), Some(2));
    assert!(process.log().join("\n").contains("--listen"), "{BINARY}");
}

/// As in a container, where what is published comes in by another address.
#[test]
fn it_listens_beyond_loopback_where_it_is_asked_to() {
    let anywhere = ANY.map(|flag| flag.replace("127.0.0.1", "0.0.0.0"));
    let first = ["up", "--beyond-loopback"].map(str::to_owned);
    let (_process, text, _data) = start_with(first.into_iter().chain(anywhere).collect());
    assert!(!text.contains("0.0.0.0"), "addresses that can be pasted: {text}");
    // Nobody who listens on 127.0.0.1 alone is reached there.
    let elsewhere = |scheme| SocketAddr::from(([127, 0, 0, 2], address(&text, scheme).port()));
    let backends = elsewhere("curl -X POST http://");
    eventually("the gateway is linked", || {
        (Http::new(backends).get("/readyz").status == 200).then_some(())
    });
    let clients = elsewhere("ws://");
    for (host, expected) in [("localhost", 101), ("evil.example", 403)] {
        let upgrade = format!(
            "GET /v1/ws?user=demo HTTP/1.1\r\nHost: {host}:{}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            clients.port()
        );
        assert_eq!(status_of(clients, &upgrade), expected, "{host}");
    }
}

#[test]
fn a_request_without_upgrade_is_answered() {
    let (_process, text, _data) = start(&["up"]);
    let clients = address(&text, "ws://");
    let request = format!("GET /v1/ws HTTP/1.1\r\nHost: {clients}\r\n\r\n");
    assert_eq!(status_of(clients, &request), 426);
}

/// A request by hand; the status of its answer.
fn status_of(address: SocketAddr, head: &str) -> u16 {
    let mut socket = connect(address);
    socket.write_all(head.as_bytes()).unwrap();
    let head = read_head(&mut socket);
    head.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn pages_of_other_sites_and_proxies_reach_nobody() {
    let gateway = Gateway::start(&["--development", "--allow-origin=https://app.example"]);
    let flags = ["--development", "--allow-origin=https://app.example"];
    let pusher = PusherApi::start(&[&gateway], &flags);
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let cases = [
        ("{own}", "", true),
        ("localhost:{port}", "", true),
        ("{own}", "Origin: http://localhost:3000\r\n", true),
        ("{own}", "Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n", true),
        ("{own}", "Origin: https://evil.example\r\n", false),
        ("{own}", "Origin: null\r\n", false),
        ("{own}", "Sec-Fetch-Site: cross-site\r\n", false),
        ("{own}", "X-Forwarded-For: 127.0.0.1\r\n", false),
        ("{own}", "Forwarded: for=127.0.0.1\r\n", false),
        ("evil.example:{port}", "", false),
        ("localhost", "", false),
    ];
    for (host, fields, fine) in cases {
        let at = |address: SocketAddr| {
            let host = host.replace("{own}", &address.to_string());
            host.replace("{port}", &address.port().to_string())
        };
        let host = at(gateway.http);
        let upgrade =
            format!("GET /v1/ws?user=u HTTP/1.1\r\nHost: {host}\r\n{fields}{handshake}\r\n");
        let expected = if fine { 101 } else { 403 };
        assert_eq!(status_of(gateway.http, &upgrade), expected, "{upgrade}");
        for (line, otherwise) in
            [("GET /v1/ws?user=u", 426), ("GET /elsewhere", 404), ("POST /v1/ws", 405)]
        {
            let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
            let expected = if fine { otherwise } else { 403 };
            assert_eq!(status_of(gateway.http, &request), expected, "{request}");
        }
        let host = at(pusher.address);
        let body = r#"{"to":{"all":true},"data":1}"#;
        let push = format!(
            "POST /v1/push HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n{fields}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let expected = if fine { 202 } else { 403 };
        assert_eq!(status_of(pusher.address, &push), expected, "{push}");
        let page = format!("GET / HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n");
        let expected = if fine { 200 } else { 403 };
        assert_eq!(status_of(pusher.address, &page), expected, "{page}");
    }
    // What a page may send without asking first is no push.
    for kind in ["", "Content-Type: text/plain\r\n"] {
        let host = pusher.address;
        let push = format!(
            "POST /v1/push HTTP/1.1\r\nHost: {host}\r\n{kind}Content-Length: 2\r\n\r\n{{}}"
        );
        assert_eq!(status_of(pusher.address, &push), 415, "{push}");
    }
    let foreign = |transport| {
        let labels = format!(r#"{{result="foreign",transport="{transport}"}}"#);
        gateway.metrics().get(&format!("holdfast_handshakes_total{labels}"))
    };
    assert_eq!([foreign("websocket"), foreign("http")], [7.0, 21.0]);
    assert!(gateway.process.log().iter().any(|line| line.contains("no keys")));
}
