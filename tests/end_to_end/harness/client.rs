//! What the tests ask of a client, on whichever transport.

use std::{
    io::Write,
    net::{SocketAddr, TcpStream},
};

use serde_json::{Value, json};

use super::{Gateway, Who, wait::LIMIT};

/// What comes from the gateway.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    /// A JSON frame.
    Frame(Value),
    /// The end, with the close code where the transport has one.
    Closed(Option<u16>),
}

/// Why a client was not let in: the status over HTTP, the reason of `bye` elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Over HTTP.
    Status(u16),
    /// In a `bye` frame.
    Reason(String),
}

/// A client that is connected.
pub(crate) trait Client: Sized + Send + 'static {
    /// As it stands in presence.
    const NAME: &'static str;
    /// Whether its end has a close code.
    const HAS_CODES: bool;
    /// Frames that it has said when it has joined.
    const SAID: usize = 0;

    /// Where it connects to.
    fn address(gateway: &Gateway) -> SocketAddr;
    /// The bytes it begins with.
    fn handshake(gateway: &Gateway, who: &Who) -> Vec<u8>;
    /// A frame in the bytes of the wire.
    fn wire_bytes(frame: &[u8]) -> Vec<u8>;
    /// Takes a connection on which the handshake was sent.
    fn adopt(socket: TcpStream) -> Result<Self, Refused>;
    /// The next thing that comes.
    fn next(&mut self) -> Event;
    /// The connection.
    fn socket(&self) -> &TcpStream;

    /// Sends the handshake and waits for the hello, or for the refusal.
    fn open(gateway: &Gateway, who: impl Into<Who>) -> Result<(Self, Value), Refused> {
        let mut socket = connect(Self::address(gateway));
        socket.write_all(&Self::handshake(gateway, &who.into())).unwrap();
        let mut client = Self::adopt(socket)?;
        match client.next() {
            Event::Frame(hello) if hello["type"] == "hello" => Ok((client, hello)),
            Event::Frame(bye) if bye["type"] == "bye" => {
                Err(Refused::Reason(bye["reason"].as_str().unwrap().to_owned()))
            }
            other => panic!("neither hello nor bye: {other:?}"),
        }
    }

    /// Opens a session.
    fn join(gateway: &Gateway, who: impl Into<Who>) -> Self {
        match Self::open(gateway, who) {
            Ok((client, _)) => client,
            Err(refused) => panic!("refused: {refused:?}"),
        }
    }

    /// A frame in the bytes of the wire.
    fn wire(frame: &str) -> Vec<u8> {
        Self::wire_bytes(frame.as_bytes())
    }

    /// Sends bytes as they are.
    fn write(&mut self, bytes: &[u8]) {
        self.socket().write_all(bytes).unwrap();
    }

    /// Sends a frame.
    fn send(&mut self, frame: &Value) {
        self.write(&Self::wire(&frame.to_string()));
    }

    /// The next frame, which must be of this type. Confirmations are passed over, unless they are what
    /// is expected.
    fn expect(&mut self, kind: &str) -> Value {
        loop {
            match self.next() {
                Event::Frame(frame) if frame["type"] == kind => return frame,
                Event::Frame(frame) if CONFIRMATIONS.iter().any(|it| frame["type"] == *it) => {}
                other => panic!("expected {kind}, not {other:?}"),
            }
        }
    }

    /// Shows that the session lives and that nothing else was under way.
    fn expect_alive(&mut self) {
        self.send(&json!({ "type": "ping" }));
        self.expect("pong");
    }

    /// The bye with this reason, then the end with this code. Frames before it are passed over.
    fn expect_bye(&mut self, reason: &str, code: u16) -> Value {
        let bye = loop {
            match self.next() {
                Event::Frame(frame) if frame["type"] == "bye" => break frame,
                Event::Frame(_) => {}
                Event::Closed(code) => panic!("closed with {code:?} without a bye"),
            }
        };
        assert_eq!(bye["reason"], reason, "{bye}");
        assert_eq!(self.next(), Event::Closed(Self::HAS_CODES.then_some(code)));
        bye
    }
}

/// What answers a frame of the client's that was acted upon.
const CONFIRMATIONS: [&str; 3] = ["subscribed", "unsubscribed", "refreshed"];

/// Connects, with reads that fail instead of waiting for ever.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    socket.set_write_timeout(Some(LIMIT)).unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}
