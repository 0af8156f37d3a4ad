//! A client of long poll, which always has a poll waiting, and posts what it has to say.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

use super::{
    Gateway, Who,
    client::{Client, Event, Refused, connect},
    way_up::{WayUp, shown},
    websocket::read_head,
};

/// Frames in the answers to requests.
pub(crate) struct Poll {
    socket: TcpStream,
    address: SocketAddr,
    asking: Option<Asking>,
    frames: VecDeque<Value>,
    has_ended: bool,
}

/// Which session it asks, and as whom.
struct Asking {
    way_up: WayUp,
    query: String,
    field: String,
    session: String,
    seen: u64,
}

/// What an answer says.
pub(crate) struct PollAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// Reads an answer, behind which the connection may go on; none if it has ended.
pub(crate) fn try_answer(socket: &mut TcpStream) -> Option<PollAnswer> {
    match socket.peek(&mut [0]) {
        Ok(0) => None,
        Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
        _ => Some(read_answer(socket)),
    }
}

/// Reads an answer.
pub(crate) fn read_answer(socket: &mut TcpStream) -> PollAnswer {
    let head = read_head(socket);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |it| it.trim().parse().unwrap())];
    socket.read_exact(&mut body).unwrap();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    PollAnswer { status, head, body }
}

impl Poll {
    fn ask(&mut self) {
        let Some(Asking { query, field, session, seen, .. }) = &self.asking else { return };
        let request = format!(
            "GET /v1/poll?session={session}&seen={seen}&wait=90s&{query} HTTP/1.1\r\nHost: {}\r\n{field}\r\n",
            self.address
        );
        // One that is over by now is not asked any more, which the end shows.
        let _ = self.socket.write_all(request.as_bytes());
    }

    /// Takes in an answer, and asks for what is next.
    fn take(&mut self) {
        let Some(answer) = try_answer(&mut self.socket) else {
            // It was idle for too long.
            self.socket = connect(self.address);
            return self.ask();
        };
        match answer.status {
            200 => {
                let frames = answer.body["frames"].as_array().unwrap().clone();
                self.has_ended = frames.iter().any(|frame| frame["type"] == "bye");
                self.frames.extend(frames);
                if let Some(asking) = &mut self.asking {
                    asking.seen = answer.body["seen"].as_u64().unwrap();
                }
                if !self.has_ended {
                    self.ask();
                }
            }
            204 => self.ask(),
            _ => self.has_ended = true,
        }
    }
}

impl Client for Poll {
    const NAME: &'static str = "poll";
    const HAS_CODES: bool = false;

    fn address(gateway: &Gateway) -> SocketAddr {
        gateway.http
    }

    fn handshake(gateway: &Gateway, who: &Who) -> Vec<u8> {
        let (query, field) = shown(who);
        format!("GET /v1/poll?{query} HTTP/1.1\r\nHost: {}\r\n{field}\r\n", gateway.http)
            .into_bytes()
    }

    fn wire_bytes(frame: &[u8]) -> Vec<u8> {
        [frame, b"\n"].concat()
    }

    fn adopt(mut socket: TcpStream) -> Result<Self, Refused> {
        let answer = read_answer(&mut socket);
        match answer.status {
            200 => {
                let frames: VecDeque<_> =
                    answer.body["frames"].as_array().unwrap().iter().cloned().collect();
                let has_ended = frames.iter().any(|frame| frame["type"] == "bye");
                let address = socket.peer_addr().unwrap();
                Ok(Self { socket, address, asking: None, frames, has_ended })
            }
            status => Err(Refused::Status(status)),
        }
    }

    fn open(gateway: &Gateway, who: impl Into<Who>) -> Result<(Self, Value), Refused> {
        let who = who.into();
        let address = Self::address(gateway);
        let mut socket = connect(address);
        socket.write_all(&Self::handshake(gateway, &who)).unwrap();
        let mut client = Self::adopt(socket)?;
        let hello = client.expect("hello");
        let session = hello["session"].as_str().unwrap().to_owned();
        let way_up = WayUp::new(address, &who, &session);
        let (query, field) = shown(&who);
        client.asking = Some(Asking { way_up, query, field, session, seen: 1 });
        client.ask();
        Ok((client, hello))
    }

    fn write(&mut self, bytes: &[u8]) {
        let asking = self.asking.as_ref().expect("a session");
        self.frames.extend(asking.way_up.say(bytes));
    }

    fn next(&mut self) -> Event {
        loop {
            match self.frames.pop_front() {
                Some(frame) => return Event::Frame(frame),
                None if self.has_ended => return Event::Closed(None),
                None => self.take(),
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        &self.socket
    }
}

/// A client that asks by hand.
pub(crate) struct ByHand {
    pub(crate) socket: TcpStream,
    address: SocketAddr,
    who: Who,
    pub(crate) session: String,
}

impl ByHand {
    /// Begins a session.
    pub(crate) fn begin(gateway: &Gateway, who: impl Into<Who>) -> Self {
        let who = who.into();
        let mut socket = connect(gateway.http);
        socket.write_all(&Poll::handshake(gateway, &who)).unwrap();
        let answer = read_answer(&mut socket);
        assert_eq!((answer.status, &answer.body["seen"]), (200, &1.into()), "{}", answer.body);
        let frames = answer.body["frames"].as_array().unwrap();
        assert_eq!((frames.len(), &frames[0]["type"]), (1, &"hello".into()), "{}", answer.body);
        let session = answer.body["session"].as_str().unwrap().to_owned();
        assert_eq!(frames[0]["session"], session.as_str());
        Self { socket, address: gateway.http, who, session }
    }

    /// The request with these parameters beside the session.
    pub(crate) fn request(&self, parameters: &str, fields: &str) -> String {
        let (session, (query, field)) = (&self.session, shown(&self.who));
        format!(
            "GET /v1/poll?session={session}&{parameters}&{query} HTTP/1.1\r\nHost: {}\r\n{field}{fields}\r\n",
            self.address
        )
    }

    /// Asks on the connection there is.
    pub(crate) fn send(&mut self, parameters: &str) {
        let request = self.request(parameters, "");
        self.socket.write_all(request.as_bytes()).unwrap();
    }

    /// The answer to what was asked on the connection.
    pub(crate) fn answer(&mut self) -> PollAnswer {
        read_answer(&mut self.socket)
    }

    /// Asks on the connection there is, and waits for the answer.
    pub(crate) fn ask(&mut self, parameters: &str) -> PollAnswer {
        self.send(parameters);
        self.answer()
    }

    /// Asks on a new connection, which is handed back.
    pub(crate) fn ask_elsewhere(&self, parameters: &str) -> TcpStream {
        let mut socket = connect(self.address);
        socket.write_all(self.request(parameters, "").as_bytes()).unwrap();
        socket
    }
}
