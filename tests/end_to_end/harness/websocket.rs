//! A client of the WebSocket transport: the handshake and what is sent are written by hand, so
//! that they can be cut up and broken; what comes is read by an independent implementation.

use std::{
    io::Read,
    net::{SocketAddr, TcpStream},
};

use tungstenite::{Error, Message, WebSocket as Reader, protocol::Role};

use super::{
    Gateway, Who,
    client::{Client, Event, Refused},
};

const MASK: [u8; 4] = [0x11, 0x83, 0xc7, 0x5e];

/// A frame a message.
pub(crate) struct WebSocket(Reader<TcpStream>);

impl WebSocket {
    /// The next message, whatever it is.
    pub(crate) fn message(&mut self) -> Result<Message, Error> {
        self.0.read()
    }

    /// Takes messages of any size.
    pub(crate) fn set_unlimited(&mut self) {
        self.0.set_config(|config| {
            (config.max_message_size, config.max_frame_size) = (None, None);
        });
    }

    /// Sends one frame with these first bits and this payload.
    pub(crate) fn write_frame(&mut self, first: u8, payload: &[u8]) {
        self.write(&frame(first, payload));
    }
}

impl Client for WebSocket {
    const NAME: &'static str = "websocket";
    const HAS_CODES: bool = true;

    fn address(gateway: &Gateway) -> SocketAddr {
        gateway.http
    }

    fn handshake(gateway: &Gateway, who: &Who) -> Vec<u8> {
        match who {
            Who::User(user) => request(gateway, &format!("/v1/ws?user={}", encoded(user)), ""),
            Who::Token(token) => {
                request(gateway, "/v1/ws", &format!("Authorization: Bearer {token}\r\n"))
            }
        }
    }

    fn wire_bytes(text: &[u8]) -> Vec<u8> {
        frame(0x81, text)
    }

    fn adopt(mut socket: TcpStream) -> Result<Self, Refused> {
        let head = read_head(&mut socket);
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 101 {
            return Err(Refused::Status(status));
        }
        assert!(
            head.to_lowercase()
                .contains("\r\nsec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
            "{head}"
        );
        Ok(Self(Reader::from_raw_socket(socket, Role::Client, None)))
    }

    fn next(&mut self) -> Event {
        loop {
            match self.0.read() {
                Ok(Message::Text(text)) => {
                    return Event::Frame(serde_json::from_str(text.as_str()).unwrap());
                }
                Ok(Message::Close(close)) => {
                    return Event::Closed(close.map(|close| close.code.into()));
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => panic!("not a frame: {other:?}"),
            }
        }
    }

    fn socket(&self) -> &TcpStream {
        self.0.get_ref()
    }
}

/// The request that opens a WebSocket, with the key of RFC 6455 section 1.3.
pub(crate) fn request(gateway: &Gateway, target: &str, more: &str) -> Vec<u8> {
    format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n",
        gateway.http
    )
    .into_bytes()
}

/// A masked frame with these first bits.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=65_535 => {
            frame.push(0xfe);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0xff);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The head of an HTTP response, byte by byte so that nothing behind it is taken.
pub(crate) fn read_head(socket: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        socket.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// Percent-encodes everything but letters and digits.
pub(crate) fn encoded(text: &str) -> String {
    let byte = |byte: &u8| match byte.is_ascii_alphanumeric() {
        true => char::from(*byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.as_bytes().iter().map(byte).collect()
}
