//! A client of the TCP transport.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
};

use serde_json::json;

use super::{
    Gateway, Who,
    client::{Client, Event, Refused},
};

/// A frame a line.
pub(crate) struct Tcp(BufReader<TcpStream>);

impl Tcp {
    /// The next thing that comes, a ping that wants its answer included.
    pub(crate) fn line(&mut self) -> Event {
        let mut line = String::new();
        match self.0.read_line(&mut line).unwrap() {
            0 => Event::Closed(None),
            _ => Event::Frame(serde_json::from_str(line.strip_suffix('\n').unwrap()).unwrap()),
        }
    }
}

impl Client for Tcp {
    const NAME: &'static str = "tcp";
    const HAS_CODES: bool = false;

    fn address(gateway: &Gateway) -> SocketAddr {
        gateway.tcp
    }

    fn handshake(_: &Gateway, who: &Who) -> Vec<u8> {
        let connect = match who {
            Who::User(user) => json!({ "type": "connect", "user": user }),
            Who::Token(token) => json!({ "type": "connect", "token": token }),
        };
        Self::wire(&connect.to_string())
    }

    fn wire_bytes(frame: &[u8]) -> Vec<u8> {
        [frame, b"\n"].concat()
    }

    fn adopt(socket: TcpStream) -> Result<Self, Refused> {
        Ok(Self(BufReader::new(socket)))
    }

    fn next(&mut self) -> Event {
        loop {
            match self.line() {
                Event::Frame(frame) if frame["type"] == "ping" => {
                    // One that is over by now needs no answer.
                    let _ = self.socket().write_all(b"{\"type\":\"pong\"}\n");
                }
                other => return other,
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        self.0.get_ref()
    }
}
