//! A server of its own making: tungstenite for the sessions, a few lines of HTTP for the pushes.

// Each test binary uses its part of it.
#![allow(dead_code)]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tungstenite::{
    Error, Message, accept_hdr,
    handshake::server::{ErrorResponse, Request, Response},
    http::StatusCode,
    protocol::{CloseFrame, WebSocket, frame::coding::CloseCode},
};

/// What the server does besides holding sessions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behaviour {
    /// Messages sent to every session after its hello.
    pub messages: u32,
    /// Upgrades refused with 503.
    pub refuse: usize,
    /// Sessions closed with 1012 after their hello.
    pub close: usize,
    /// Whether there is no hello.
    pub silent: bool,
    /// How long an upgrade waits for its answer; one after another.
    pub slow: Duration,
    /// What it does with pushes, or with sessions, that a good server would not.
    pub lie: Option<Lie>,
}

/// What a good server does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Every other push it accepts is not delivered.
    DropHalf,
    /// Every other push is delivered twice.
    DoubleHalf,
    /// Every other push is not delivered, the others twice: as many come as were accepted.
    DropAndDouble,
    /// Of two pushes to a user the second one is delivered first.
    Swap,
    /// Pushes are delivered to somebody else.
    Stray,
    /// Of a hundred pushes one is accepted.
    RefuseMost,
    /// Sessions stay open, and nobody reads what they say.
    StandStill,
}

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub clients: u16,
    pub api: u16,
}

type Inboxes = Arc<Mutex<HashMap<String, mpsc::Sender<String>>>>;

/// A push, its data as it came.
#[derive(serde::Deserialize)]
struct Push {
    to: Value,
    data: Box<serde_json::value::RawValue>,
}

/// What is remembered of the pushes so far.
#[derive(Default)]
struct Pushes {
    count: u64,
    /// The message that waits for the next one, by user.
    kept: HashMap<String, String>,
}

/// Starts it; the port for clients.
pub(crate) fn start(behaviour: Behaviour) -> u16 {
    start_with_api(behaviour).clients
}

/// Starts it together with an API that takes pushes.
pub(crate) fn start_with_api(behaviour: Behaviour) -> Served {
    let inboxes = Inboxes::default();
    let count = Arc::new(AtomicUsize::new(0));
    let upgrading = Arc::new(Mutex::new(()));
    let pushes = Arc::new(Mutex::new(Pushes::default()));
    let clients = serve({
        let inboxes = Arc::clone(&inboxes);
        move |stream| {
            if !behaviour.slow.is_zero() {
                let _one_by_one = upgrading.lock().expect("no panic");
                thread::sleep(behaviour.slow);
            }
            hold(stream, behaviour, count.fetch_add(1, Ordering::Relaxed), &inboxes);
        }
    });
    let api = serve(move |stream| take_pushes(stream, behaviour.lie, &inboxes, &pushes));
    Served { clients, api }
}

fn serve(on_connection: impl Fn(TcpStream) + Clone + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let on_connection = on_connection.clone();
            thread::spawn(move || on_connection(stream));
        }
    });
    port
}

fn hold(stream: TcpStream, behaviour: Behaviour, index: usize, inboxes: &Inboxes) {
    let mut user = String::new();
    #[allow(clippy::result_large_err)] // tungstenite's own type
    let answer = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        if index < behaviour.refuse {
            let mut refusal = ErrorResponse::new(Some("busy".into()));
            *refusal.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            return Err(refusal);
        }
        let query = request.uri().query().unwrap_or_default();
        user = query.trim_start_matches("user=").to_owned();
        Ok(response)
    };
    let Ok(mut socket) = accept_hdr(stream, answer) else { return };
    let (sender, inbox) = mpsc::channel();
    inboxes.lock().expect("no panic").insert(user, sender);
    if !behaviour.silent {
        send(&mut socket, json!({"type": "hello", "session": "1"}).to_string());
    }
    if index < behaviour.refuse + behaviour.close {
        let frame = CloseFrame { code: CloseCode::Restart, reason: "draining".into() };
        let _ = socket.close(Some(frame));
    }
    for number in 0..behaviour.messages {
        // Broadcasts are told apart by when they were due.
        let due = number + 1;
        let message = format!(r#"{{"type":"push","data":{{"t":{due},"b":{number},"p":"x"}}}}"#);
        send(&mut socket, message);
    }
    if behaviour.lie == Some(Lie::StandStill) {
        loop {
            thread::park();
        }
    }
    deliver(socket, &inbox);
}

/// Alternates between what is to be sent and what comes in, until the client leaves.
fn deliver(mut socket: WebSocket<TcpStream>, inbox: &mpsc::Receiver<String>) {
    let timeout = Some(Duration::from_millis(2));
    socket.get_ref().set_read_timeout(timeout).expect("a timeout");
    loop {
        while let Ok(message) = inbox.try_recv() {
            send(&mut socket, message);
        }
        match socket.read() {
            Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
            Ok(_) => {}
        }
    }
}

fn send(socket: &mut WebSocket<TcpStream>, text: String) {
    // The client may have left; the next read will say so.
    let _ = socket.send(Message::text(text));
}

fn take_pushes(stream: TcpStream, lie: Option<Lie>, inboxes: &Inboxes, pushes: &Mutex<Pushes>) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = read_request(&mut reader) {
        let lines: Vec<Push> =
            body.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let total = lines.len();
        let mut pushes = pushes.lock().expect("no panic");
        let accepted = lines.iter().filter(|push| take(push, lie, inboxes, &mut pushes)).count();
        let rejected = match total - accepted {
            0 => json!([]),
            count => json!([{"lines": [1, count], "status": 503, "detail": "no room"}]),
        };
        let (status, answer) = match path.as_str() {
            "/v1/push/batch" => ("200 OK", json!({"accepted": accepted, "rejected": rejected})),
            _ if accepted < total => ("503 Busy", json!({})),
            _ => ("202 Accepted", json!({"id": "x"})),
        };
        let answer = answer.to_string();
        let length = answer.len();
        let response = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{answer}");
        if writer.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(": ") {
            Some(("Content-Length", value)) => length = value.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, String::from_utf8(body).ok()?))
}

/// Takes a push, or refuses it, and does with it what the lie wants.
fn take(push: &Push, lie: Option<Lie>, inboxes: &Inboxes, pushes: &mut Pushes) -> bool {
    let number = pushes.count;
    pushes.count += 1;
    let message = format!(r#"{{"type":"push","id":"x","data":{}}}"#, push.data);
    let user = push.to["user"].as_str().unwrap_or_default().to_owned();
    match lie {
        Some(Lie::RefuseMost) if !number.is_multiple_of(100) => return false,
        Some(Lie::DropHalf | Lie::DropAndDouble) if number.is_multiple_of(2) => return true,
        Some(Lie::DropAndDouble) => deliver_to(push, &message, inboxes),
        Some(Lie::DoubleHalf) if number.is_multiple_of(2) => deliver_to(push, &message, inboxes),
        Some(Lie::Swap) => match pushes.kept.remove(&user) {
            None => drop(pushes.kept.insert(user, message.clone())),
            Some(kept) => {
                deliver_to(push, &message, inboxes);
                deliver_to(push, &kept, inboxes);
            }
        },
        Some(Lie::Stray) => {
            let inboxes = inboxes.lock().expect("no panic");
            let other = inboxes.iter().find(|(other, _)| **other != user);
            let _ = other.map(|(_, inbox)| inbox.send(message.clone()));
        }
        _ => {}
    }
    if !matches!(lie, Some(Lie::Swap | Lie::Stray)) {
        deliver_to(push, &message, inboxes);
    }
    true
}

fn deliver_to(push: &Push, message: &str, inboxes: &Inboxes) {
    for (user, inbox) in inboxes.lock().expect("no panic").iter() {
        if push.to["all"] == true || push.to["user"] == user.as_str() {
            let _ = inbox.send(message.to_owned());
        }
    }
}
