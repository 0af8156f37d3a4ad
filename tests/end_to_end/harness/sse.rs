//! A client of server-sent events, which posts what it has to say.

use std::{
    collections::VecDeque,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::{Value, json};

use super::{
    Gateway, Who,
    client::{Client, Event, Refused, connect},
    way_up::{WayUp, shown},
    websocket::read_head,
};

/// An event a frame.
pub(crate) struct Sse {
    stream: BufReader<TcpStream>,
    way_up: Option<WayUp>,
    /// What was refused of what it posted, which other transports say by an `error` frame.
    refused: VecDeque<Value>,
}

impl Sse {
    /// Reads on where the head of the answer has ended; it has no way up.
    pub(crate) fn over(socket: TcpStream) -> Self {
        let stream = BufReader::new(socket);
        Self { stream, way_up: None, refused: VecDeque::new() }
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).unwrap() {
            0 => None,
            _ => Some(line.strip_suffix('\n').expect("a whole line").to_owned()),
        }
    }

    /// The fields of the next event; none at the end.
    pub(crate) fn event(&mut self) -> Option<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Some(fields);
            }
            let (name, value) = line.split_once(':').expect("a field");
            fields.push((name.to_owned(), value.trim_start().to_owned()));
        }
    }
}

impl Client for Sse {
    const NAME: &'static str = "sse";
    const HAS_CODES: bool = false;
    const SAID: usize = 1;

    fn address(gateway: &Gateway) -> SocketAddr {
        gateway.http
    }

    fn handshake(gateway: &Gateway, who: &Who) -> Vec<u8> {
        let (query, field) = shown(who);
        format!("GET /v1/sse?{query} HTTP/1.1\r\nHost: {}\r\n{field}\r\n", gateway.http)
            .into_bytes()
    }

    fn wire_bytes(frame: &[u8]) -> Vec<u8> {
        [frame, b"\n"].concat()
    }

    fn adopt(mut socket: TcpStream) -> Result<Self, Refused> {
        let head = read_head(&mut socket);
        match head.split(' ').nth(1).unwrap().parse().unwrap() {
            200 => Ok(Self::over(socket)),
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
        client.way_up = Some(WayUp::new(address, &who, hello["session"].as_str().unwrap()));
        // From here on it is held to answering pings.
        client.send(&json!({ "type": "pong" }));
        Ok((client, hello))
    }

    fn write(&mut self, bytes: &[u8]) {
        let way_up = self.way_up.as_ref().expect("a session");
        self.refused.extend(way_up.say(bytes));
    }

    fn next(&mut self) -> Event {
        loop {
            if let Some(refused) = self.refused.pop_front() {
                return Event::Frame(refused);
            }
            let Some(event) = self.event() else { return Event::Closed(None) };
            let Some((_, data)) = event.iter().find(|(name, _)| name == "data") else { continue };
            let frame: Value = serde_json::from_str(data).unwrap();
            let name =
                event.iter().find(|(name, _)| name == "event").map(|(_, name)| name.as_str());
            match frame["type"].as_str() {
                Some("push") => assert_eq!(name, None, "onmessage sees pushes"),
                kind => assert_eq!(name.and_then(|it| it.strip_prefix("holdfast.")), kind),
            }
            match &self.way_up {
                // One that is over by now needs no answer.
                Some(way_up) if frame["type"] == "ping" => drop(way_up.post(r#"{"type":"pong"}"#)),
                _ => return Event::Frame(frame),
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        self.stream.get_ref()
    }
}
