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
}

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Served {
    pub clients: u16,
    pub api: u16,
}

type Inboxes = Arc<Mutex<HashMap<String, mpsc::Sender<String>>>>;

/// Starts it; the port for clients.
pub(crate) fn start(behaviour: Behaviour) -> u16 {
    start_with_api(behaviour).clients
}

/// Starts it together with an API that takes pushes.
pub(crate) fn start_with_api(behaviour: Behaviour) -> Served {
    let inboxes = Inboxes::default();
    let count = Arc::new(AtomicUsize::new(0));
    let clients = serve({
        let inboxes = Arc::clone(&inboxes);
        move |stream| hold(stream, behaviour, count.fetch_add(1, Ordering::Relaxed), &inboxes)
    });
    Served { clients, api: serve(move |stream| take_pushes(stream, &inboxes)) }
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

fn take_pushes(stream: TcpStream, inboxes: &Inboxes) {
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    while let Some((path, body)) = read_request(&mut reader) {
        let pushes: Vec<Value> =
            body.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        pushes.iter().for_each(|push| route(push, inboxes));
        let (status, answer) = match path.as_str() {
            "/v1/push/batch" => ("200 OK", json!({"accepted": pushes.len(), "rejected": []})),
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

fn route(push: &Value, inboxes: &Inboxes) {
    let message = json!({"type": "push", "id": "x"}).to_string();
    let message = format!("{},\"data\":{}}}", message.trim_end_matches('}'), data(&push["data"]));
    for (user, inbox) in inboxes.lock().expect("no panic").iter() {
        if push["to"]["all"] == true || push["to"]["user"] == user.as_str() {
            let _ = inbox.send(message.clone());
        }
    }
}

/// The data with its keys in the order they came in, which clients rely on.
fn data(value: &Value) -> String {
    let kind = if value["b"].is_null() { "n" } else { "b" };
    format!(r#"{{"t":{},"{kind}":{},"p":{}}}"#, value["t"], value[kind], value["p"])
}
