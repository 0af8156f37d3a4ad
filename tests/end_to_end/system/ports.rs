//! HTTP as operators and backends meet it: the same on both ports.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{
    Client, Gateway, Http, Process, PusherApi, Tcp, client::connect, eventually, pair,
    servers::arguments, websocket::read_head,
};

/// Sends this and reads to the end of the connection.
fn exchange(address: SocketAddr, text: &str) -> String {
    let mut socket = connect(address);
    socket.write_all(text.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.to_lowercase()
}

fn status(answer: &str) -> u16 {
    answer[9..12].parse().unwrap()
}

#[test]
fn both_ports_answer_alike() {
    let (gateway, pusher) = pair(&[]);
    let [operators, backends] = [gateway.operators, pusher.address].map(|address| {
        ["/healthz", "/readyz"].map(|path| {
            let client = Http::new(address);
            let get = client.get(path);
            let close = "host: h\r\nconnection: close\r\n\r\n";
            let head = exchange(address, &format!("HEAD {path} HTTP/1.1\r\n{close}"));
            assert_eq!(status(&head), 200, "{head}");
            assert!(head.contains(&format!("content-length: {}\r\n", get.text.len())), "{head}");
            assert!(head.ends_with("\r\n\r\n"), "{head}");
            (get.status, get.header("content-type").map(str::to_owned), get.text)
        })
    });
    assert_eq!(operators, backends);
    assert_eq!(operators[0].2, "{\"status\":\"ok\"}\n");
}

#[test]
fn what_cannot_be_understood_is_refused_with_its_reason() {
    let (gateway, pusher) = pair(&[]);
    let long = "x".repeat(70_000);
    let push = "POST /v1/push HTTP/1.1\r\nhost: h\r\ncontent-length:";
    for address in [gateway.operators, pusher.address] {
        let cases = [
            (format!("GET /{long} HTTP/1.1\r\nhost: h\r\n\r\n"), 414),
            (format!("GET /healthz HTTP/1.1\r\nhost: h\r\nx: {long}\r\n\r\n"), 431),
            ("GET /healthz HTTP/1.1\r\nhost: h\r\nexpect: nonsense\r\n\r\n".to_owned(), 417),
            ("nonsense\r\n\r\n".to_owned(), 400),
        ];
        for (text, expected) in cases {
            let answer = exchange(address, &text);
            assert_eq!(status(&answer), expected, "{answer}");
            assert!(answer.contains("connection: close\r\n"), "{answer}");
        }
        let deleted = Http::new(address).delete("/metrics");
        assert_eq!((deleted.status, deleted.header("allow")), (405, Some("GET, HEAD")));
    }
    let cases = [
        (format!("{push} 10000000000\r\n\r\n{{"), 413),
        (format!("{push} 5\r\ncontent-encoding: gzip\r\n\r\nhello"), 415),
        (format!("{push} 5\r\ncontent-type: application/json; charset=latin1\r\n\r\nhello"), 415),
        (format!("{push} 500000\r\ncontent-type: text/xml\r\n\r\n<"), 415),
    ];
    for (text, expected) in cases {
        let mut socket = connect(pusher.address);
        socket.write_all(text.as_bytes()).unwrap();
        assert_eq!(status(&read_head(&mut socket)), expected, "{}", &text[..60]);
    }
    let utf8 = "application/json; charset=\"UTF-8\"";
    let answer = pusher.client.post("/v1/push", utf8, r#"{"to":{"user":"u"},"data":1}"#);
    assert_eq!((answer.status, answer.text.ends_with("}\n")), (202, true), "{answer:?}");
}

#[test]
fn a_refused_key_is_answered_without_reading_the_body() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &["--api-key=k"]);
    let mut socket = connect(pusher.address);
    let head = "POST /v1/push/batch HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\n\
                content-length: 1000000\r\n\r\n";
    socket.write_all(head.as_bytes()).unwrap();
    let answer = read_head(&mut socket).to_lowercase();
    assert_eq!(status(&answer), 401, "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
}

#[test]
fn a_link_is_opened_by_get_over_http_1_1_without_a_body() {
    let gateway = Gateway::start(&["--max-links=1"]);
    let upgrade = "host: h\r\nconnection: upgrade\r\nupgrade: holdfast-link\r\n";
    let cases = [
        (format!("GET /v1/link HTTP/1.0\r\n{upgrade}\r\n"), 400, ""),
        (format!("GET /v1/link HTTP/1.1\r\n{upgrade}content-length: 5\r\n\r\nhello"), 400, ""),
        (format!("POST /v1/link HTTP/1.1\r\n{upgrade}\r\n"), 405, "allow: get\r\n"),
        (format!("GET /v1/elsewhere HTTP/1.1\r\n{upgrade}\r\n"), 404, ""),
        (
            "GET /v1/link HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".to_owned(),
            426,
            "upgrade: ",
        ),
        (
            "PUT /v1/link HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n".to_owned(),
            405,
            "allow: get\r\n",
        ),
    ];
    for (text, expected, field) in cases {
        let answer = exchange(gateway.operators, &text);
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.contains(field), "{answer}");
    }
    let _link = PusherApi::start(&[&gateway], &[]);
    let second = PusherApi::start_unready(&[&gateway], &[]);
    eventually("a second link is refused", || {
        second.process.log().iter().any(|line| line.contains("503")).then_some(())
    });
    assert_eq!(gateway.metrics().get("holdfast_links"), 1.0);
}

#[test]
fn addresses_that_cannot_be_listened_on_are_named_with_a_way_out() {
    let foreign = |command: &str, flag: &str| {
        // TEST-NET-1 (RFC 5737) is nobody's.
        let arguments = [command, "--insecure", &format!("{flag}=192.0.2.1:0")];
        let mut process = Process::start(&arguments.map(str::to_owned));
        let code = process.wait().code();
        (code, process.log().join("\n"))
    };
    for (command, flag) in
        [("gateway", "--listen-tcp"), ("gateway", "--listen-operators"), ("pusher-api", "--listen")]
    {
        let (code, log) = foreign(command, flag);
        assert_eq!(code, Some(2), "{log}");
        assert!(log.contains(flag) && log.contains("192.0.2.1:0"), "{log}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _held = TcpListener::bind(taken).unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let pusher = ["pusher-api", "--development", &format!("--listen={taken}")].map(str::to_owned);
    for (flag, arguments) in
        [("--listen-operators", arguments([any, any, taken], &[])), ("--listen", pusher.to_vec())]
    {
        let mut process = Process::start(&arguments);
        assert_eq!(process.wait().code(), Some(1));
        let log = process.log().join("\n");
        assert!(log.contains(&format!("another port with {flag}")), "{log}");
    }
}

#[test]
fn stopping_answers_what_is_in_progress_on_kept_connections() {
    let (gateway, mut pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let idle = Http::new(pusher.address);
    assert_eq!(idle.get("/healthz").status, 200);
    let body = json!({ "to": { "user": "u" }, "data": 1 }).to_string();
    let (first, rest) = body.split_at(10);
    let mut socket = connect(pusher.address);
    let request =
        format!("POST /v1/push HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", body.len());
    socket.write_all(format!("{request}{body}{request}{first}").as_bytes()).unwrap();
    let answer = read_head(&mut socket).to_lowercase();
    assert_eq!(status(&answer), 202);
    let mut id = [0; 46];
    socket.read_exact(&mut id).unwrap();
    client.expect("push");
    pusher.process.signal(Signal::TERM);
    eventually("nobody is let in", || std::net::TcpStream::connect(pusher.address).err());
    socket.write_all(rest.as_bytes()).unwrap();
    let answer = read_head(&mut socket).to_lowercase();
    assert_eq!(status(&answer), 202, "{answer}");
    // Behind the answer the connection ends; its head says so, unless it was written at that very moment.
    let mut left = Vec::new();
    socket.read_to_end(&mut left).unwrap();
    assert_eq!(left.len(), id.len());
    client.expect("push");
    assert_eq!(pusher.process.wait().code(), Some(0));
}
