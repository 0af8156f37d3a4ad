//! Crowds that never become sessions, many times more than there is room for, and newcomers who get
//! in all the same.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use crate::harness::{
    Client, Gateway, Tcp, WebSocket, client::connect, eventually, websocket::request,
};

/// Room for so many.
const PLACES: usize = 256;
/// So many come.
const CROWD: usize = 1200;

/// A gateway with little room, whose deadline helps nobody.
fn narrow() -> Gateway {
    let mut gateway = Gateway::start(&["--max-pending=256", "--handshake-timeout=10m"]);
    // Until then it has files open to look at the machine's limits.
    gateway.process.find_in_log("the forecast", |line| line.contains("that fit").then_some(()));
    gateway
}

/// Has a crowd come and do something; newcomers get in before, meanwhile and afterwards, and of the
/// crowd no more stay than there is room for.
fn crowd(come: impl Fn(&Gateway, usize) -> TcpStream) -> (Gateway, Vec<TcpStream>) {
    let gateway = narrow();
    let before = gateway.metrics().get("holdfast_fds_open") as usize;
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        crowd.push(come(&gateway, number));
        if number % 100 == 99 {
            newcomers_get_in(&gateway);
        }
    }
    newcomers_get_in(&gateway);
    assert_eq!(gateway.get("/readyz").status, 200);
    eventually("no more are left than there is room for", || {
        let open = gateway.metrics().get("holdfast_fds_open") as usize;
        (open <= before + PLACES).then_some(())
    });
    let metrics = gateway.metrics();
    let counted = metrics.get("holdfast_handshakes_pending");
    assert!(counted <= PLACES as f64, "{counted}");
    assert_eq!(metrics.get("holdfast_handshakes_pending_limit"), PLACES as f64);
    (gateway, crowd)
}

fn newcomers_get_in(gateway: &Gateway) {
    WebSocket::join(gateway, "web").expect_alive();
    Tcp::join(gateway, "tcp").expect_alive();
}

/// Everything that comes until the end, or until the connection is cut.
fn all(socket: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(count @ 1..) = socket.read(&mut chunk) {
        said.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8(said).unwrap()
}

fn name(transport: &str, result: &str) -> String {
    format!("holdfast_handshakes_total{{result=\"{result}\",transport=\"{transport}\"}}")
}

fn result(gateway: &Gateway, transport: &str, result: &str) -> f64 {
    gateway.metrics().get(&name(transport, result))
}

#[test]
fn silence() {
    let (gateway, mut crowd) = crowd(|gateway, number| match number % 2 {
        0 => connect(gateway.http),
        _ => connect(gateway.tcp),
    });
    // Without a word, as they said none, and the oldest first.
    assert_eq!(all(&mut crowd[0]), "");
    eventually("the others are counted", || {
        let given_up = ["http", "tcp"].map(|port| result(&gateway, port, "given_up_places"));
        (given_up.iter().sum::<f64>() >= (CROWD - PLACES) as f64).then_some(())
    });
}

#[test]
fn answered_requests_of_clients_that_stay() {
    let (gateway, mut crowd) = crowd(|gateway, _| {
        let mut socket = connect(gateway.http);
        socket.write_all(b"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n").unwrap();
        socket
    });
    for socket in &mut crowd {
        let said = all(socket);
        assert!(said.starts_with("HTTP/1.1 404 "), "{said}");
        assert!(said.contains("\r\nconnection: close\r\n"), "{said}");
    }
    gateway.await_metric(&name("http", "not_found"), CROWD as f64);
    // Nobody of them is counted as waiting, and all are gone.
    gateway.await_metric("holdfast_handshakes_pending", 0.0);
    gateway.await_metric("holdfast_handshakes_answered", 0.0);
}

#[test]
fn half_heads_that_trickle() {
    let (gateway, mut crowd) = crowd(|gateway, _| {
        let mut socket = connect(gateway.http);
        socket.write_all(b"GET /v1/ws?user=u HTTP/1.1\r\nHost: h\r\n").unwrap();
        socket
    });
    // Those that are left go on a little; newcomers are no worse off.
    for _ in 0..5 {
        crowd.iter_mut().for_each(|socket| drop(socket.write_all(b"x")));
        newcomers_get_in(&gateway);
    }
    let said = all(&mut crowd[0]);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 503 "), "{said}");
    // The last ones are still there, and may finish.
    let last = crowd.last_mut().unwrap();
    last.write_all(b": y\r\n\r\n").unwrap();
    let said = all(last);
    assert!(said.starts_with("HTTP/1.1 426 "), "{said}");
}

#[test]
fn half_first_lines() {
    let (gateway, mut crowd) = crowd(|gateway, _| {
        let mut socket = connect(gateway.tcp);
        socket.write_all(br#"{"type":"connect","#).unwrap();
        socket
    });
    let said = all(&mut crowd[0]);
    assert!(said.is_empty() || said.contains("\"overloaded\""), "{said}");
    let last = crowd.pop().unwrap();
    (&last).write_all(b"\"user\":\"late\"}\n").unwrap();
    Tcp::adopt(last).unwrap().expect("hello");
    gateway.await_metric("holdfast_sessions", 0.0);
}

#[test]
fn empty_lines_are_nothing() {
    let (_gateway, mut crowd) = crowd(|gateway, _| {
        let mut socket = connect(gateway.tcp);
        socket.write_all(&[b'\n'; 3000]).unwrap();
        socket
    });
    let said = all(&mut crowd[0]);
    assert!(said.is_empty() || said.contains("\"overloaded\""), "{said}");
    let last = crowd.pop().unwrap();
    (&last).write_all(b"\r\n{\"type\":\"connect\",\"user\":\"late\"}\n").unwrap();
    Tcp::adopt(last).unwrap().expect("hello");
}

#[test]
fn pipelines_that_nobody_reads() {
    let pipeline = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".repeat(700);
    let (gateway, mut crowd) = crowd(move |gateway, _| {
        let mut socket = connect(gateway.http);
        // It may be closed before all is written.
        let _ = socket.write_all(&pipeline);
        socket
    });
    gateway.await_metric(&name("http", "not_found"), CROWD as f64);
    for socket in &mut crowd[CROWD - 10..] {
        let said = all(socket);
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
    }
}

#[test]
fn refused_upgrades_that_are_never_closed() {
    let (gateway, _crowd) = crowd(|gateway, number| {
        let good = |target| String::from_utf8(request(gateway, target, "")).unwrap();
        let ws = "/v1/ws?user=u";
        let text = match number % 6 {
            0 => good("/v1/nothing"),
            1 => good(ws).replace("Version: 13", "Version: 7"),
            2 => good(ws).replace("dGhlIHNhbXBsZSBub25jZQ==", "short"),
            3 => good(ws).replace("GET ", "POST "),
            4 => good(ws).replace("HTTP/1.1", "HTTP/1.0"),
            // Nobody says who it is.
            _ => good("/v1/ws?token=bad"),
        };
        let mut socket = connect(gateway.http);
        socket.write_all(text.as_bytes()).unwrap();
        socket
    });
    for result in ["not_found", "upgrade_required", "method_not_allowed"] {
        gateway.await_metric(&name("http", result), CROWD as f64 / 6.0);
    }
    gateway.await_metric(&name("http", "bad_request"), CROWD as f64 / 3.0);
    gateway.await_metric(&name("websocket", "unauthorized"), CROWD as f64 / 6.0);
    gateway.await_metric("holdfast_handshakes_answered", 0.0);
}

#[test]
fn web_sockets_that_never_say_who_comes() {
    let (gateway, mut crowd) = crowd(|gateway, number| {
        let mut socket = connect(gateway.http);
        let mut said = request(gateway, "/v1/ws", "");
        if number % 2 == 0 {
            // Half a message.
            said.extend(&WebSocket::wire(r#"{"type":"connect","token":"t"}"#)[..20]);
        }
        socket.write_all(&said).unwrap();
        socket
    });
    assert!(result(&gateway, "websocket", "given_up_places") >= (CROWD - PLACES) as f64 / 2.0);
    let mut said = Vec::new();
    crowd[0].read_to_end(&mut said).unwrap();
    let told = String::from_utf8_lossy(&said).into_owned();
    assert!(told.starts_with("HTTP/1.1 101 ") && told.contains("overloaded"), "{told}");
}

#[test]
fn frames_for_nobody() {
    let (gateway, _crowd) = crowd(|gateway, number| {
        let mut socket = connect(gateway.http);
        let length = if number % 2 == 0 { 9 } else { 200_000 };
        write!(
            socket,
            "POST /v1/frames?user=u&session=1 HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{{}}       "
        )
        .unwrap();
        socket
    });
    // Another gateway may have the session, and nobody is there to ask.
    gateway.await_metric(&name("http", "frames"), CROWD as f64 / 2.0);
    gateway.await_metric("holdfast_relays_total{result=\"no_way\"}", CROWD as f64 / 2.0);
}

#[test]
fn more_listeners_than_places() {
    let gateway = Gateway::start(&["--workers=1", "--max-pending=1", "--handshake-timeout=10m"]);
    let mut silent = Vec::new();
    for _ in 0..5 {
        silent.extend([gateway.http, gateway.tcp].map(connect));
        newcomers_get_in(&gateway);
    }
}

#[test]
fn many_that_speak_at_once_all_get_in() {
    // More than there is room for come before the gateway looks, and all have spoken.
    let gateway = Gateway::start(&["--workers=1", "--max-pending=4"]);
    let stopped = gateway.process.stopped();
    let sockets: Vec<_> = (0..200)
        .map(|number| {
            let mut socket = connect(gateway.tcp);
            let line = format!("{{\"type\":\"connect\",\"user\":\"u{number}\"}}\n");
            socket.write_all(line.as_bytes()).unwrap();
            socket
        })
        .collect();
    drop(stopped);
    for socket in sockets {
        Tcp::adopt(socket).unwrap().expect("hello");
    }
}

#[test]
fn one_deadline_whatever_trickles_in() {
    let gateway = Gateway::start(&["--handshake-timeout=1s"]);
    let mut request = connect(gateway.http);
    let mut line = connect(gateway.tcp);
    request.write_all(b"GET /v1/ws?user=u HTTP/1.1\r\nHost: h\r\nX: ").unwrap();
    line.write_all(b"{").unwrap();
    let ended = |transport| result(&gateway, transport, "handshake_timeout") == 1.0;
    // Each byte comes long before a second has passed since the last one.
    eventually("both are given up though they go on", || {
        std::thread::sleep(Duration::from_millis(50));
        let _ = (request.write_all(b"x"), line.write_all(b" "));
        (ended("http") && ended("tcp")).then_some(())
    });
    newcomers_get_in(&gateway);
}

#[test]
fn a_drain_tells_those_that_have_begun_to_speak() {
    let gateway = Gateway::start(&["--drain=10m", "--handshake-timeout=10m"]);
    let _session = Tcp::join(&gateway, "u");
    let [mut request, mut line, mut silent] = [gateway.http, gateway.tcp, gateway.tcp].map(connect);
    request.write_all(b"GET / HTTP/1.1\r\n").unwrap();
    line.write_all(b"{").unwrap();
    gateway.await_metric("holdfast_handshakes_pending", 3.0);
    gateway.terminate();
    let said = all(&mut request);
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("retry-after: "), "{said}");
    let said = all(&mut line);
    assert!(said.contains("\"draining\"") && said.contains("retry_ms"), "{said}");
    assert_eq!(all(&mut silent), "");
}

#[test]
fn empty_lines_without_end_are_too_long() {
    let gateway = Gateway::start(&["--handshake-timeout=10m", "--workers=1"]);
    let mut socket = connect(gateway.tcp);
    let lines = [b'\n'; 16_384];
    // It may be closed meanwhile.
    (0..100).take_while(|_| socket.write_all(&lines).is_ok()).for_each(drop);
    eventually("it is refused", || {
        (result(&gateway, "tcp", "frame_too_large") == 1.0).then_some(())
    });
    newcomers_get_in(&gateway);
}
