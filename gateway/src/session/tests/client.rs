//! The peer of a session.

use std::{
    io::{ErrorKind, Read, Write},
    os::unix::net::UnixStream,
    sync::Arc,
    task::Waker,
    time::Duration,
};

use bytes::Bytes;

use protocol::{
    Transport,
    websocket::{FIN, Opcode, masked_frame, parse_length},
};

use crate::session::{Address, Answer, Polled, Posted, Reply, expired, not_here};

/// What stands in front of an event's data.
const EVENT: &[u8] = b"data: ";

/// A client that keeps what it hears until it is asked.
pub(super) struct Client {
    peer: UnixStream,
    pub(super) seat: u32,
    pub(super) transport: Transport,
    unread: Vec<u8>,
    /// Where frames are posted, where there is no other way up.
    address: Option<Address>,
    /// What the session said to them.
    pub(super) answer: Arc<Answer>,
    /// Bytes that have come so far.
    pub(super) taken: u64,
    ended: bool,
}

impl Client {
    pub(super) fn new(
        peer: UnixStream,
        seat: u32,
        transport: Transport,
        address: Option<Address>,
    ) -> Self {
        let answer = Answer::new(Waker::noop().clone());
        Self { peer, seat, transport, address, answer, unread: Vec::new(), taken: 0, ended: false }
    }

    /// A JSON frame in the bytes of this client's transport.
    pub(super) fn frame(&self, json: &str) -> Vec<u8> {
        match self.transport {
            Transport::WebSocket => control(Opcode::Text, json.as_bytes()),
            Transport::Tcp => format!("{json}\n").into_bytes(),
            Transport::Sse | Transport::Poll => json.into(),
        }
    }

    pub(super) fn say(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).expect("the session reads");
    }

    /// Says as much as the kernel takes, and returns how much that was.
    pub(super) fn say_what_fits(&mut self, bytes: &[u8]) -> usize {
        let mut said = 0;
        while let Ok(count) = self.peer.write(&bytes[said..]) {
            said += count;
            if said == bytes.len() {
                break;
            }
        }
        said
    }

    pub(super) fn say_frame(&mut self, json: &str) {
        match &self.address {
            Some(address) => {
                let reply = Reply::new(&self.answer, not_here);
                let posted = Posted { frames: Bytes::copy_from_slice(json.as_bytes()), reply };
                address.upgrade().expect("a session").do_send(posted);
            }
            None => self.say(&self.frame(json)),
        }
    }

    /// Asks a session that is asked by requests for what comes behind so many answers.
    pub(super) fn ask(&self, seen: u32, wait: Duration) -> Arc<Answer> {
        let answer = Answer::new(Waker::noop().clone());
        let reply = Reply::new(&answer, expired);
        if let Some(session) = self.address.as_ref().and_then(Address::upgrade) {
            session.do_send(Polled {
                seen,
                wait,
                peer: None,
                owner: None,
                proof: None,
                expires: None,
                reply,
            });
        }
        answer
    }

    /// Reads at most this many bytes of what has come.
    pub(super) fn take_in(&mut self, most: usize) {
        let mut bytes = vec![0; most];
        match self.peer.read(&mut bytes) {
            Ok(count) => {
                self.ended |= count == 0 && most > 0;
                self.taken += count as u64;
                self.unread.extend_from_slice(&bytes[..count]);
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => {}
                ErrorKind::ConnectionReset => self.ended = true,
                kind => panic!("{kind:?}"),
            },
        }
    }

    /// What has come since the last time, whole frames only: JSON texts, and in brackets what is
    /// none.
    pub(super) fn heard(&mut self) -> Vec<String> {
        loop {
            let before = (self.unread.len(), self.ended);
            self.take_in(1 << 20);
            if before == (self.unread.len(), self.ended) {
                break;
            }
        }
        let mut heard = Vec::new();
        while let Some((text, used)) = self.next_frame() {
            heard.push(text);
            self.unread.drain(..used);
        }
        if self.ended {
            heard.push("[end]".to_owned());
        }
        heard
    }

    /// The ids of the events that have come.
    pub(super) fn ids(&mut self) -> Vec<String> {
        self.take_in(1 << 20);
        let text = text(&self.unread);
        text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
    }

    /// Bytes of a frame whose end has not come.
    pub(super) fn is_torn(&self) -> bool {
        !self.unread.is_empty() && self.unread != EVENT
    }

    fn next_frame(&self) -> Option<(String, usize)> {
        if self.transport == Transport::Sse {
            let end = self.unread.windows(2).position(|two| two == b"\n\n")?;
            let event = self.unread.strip_prefix(EVENT).unwrap_or(&self.unread);
            let line = event.split(|byte| *byte == b'\n').next()?;
            return Some((text(line), end + 2));
        }
        if self.transport == Transport::Tcp {
            let end = self.unread.iter().position(|byte| *byte == b'\n')?;
            return Some((text(&self.unread[..end]), end + 1));
        }
        let &[first, second, ref rest @ ..] = &self.unread[..] else { return None };
        let length = parse_length(second, rest)?;
        let start = 2 + length.size;
        let end = start + length.payload as usize;
        let payload = self.unread.get(start..end)?;
        assert!(first & FIN != 0 && !length.malformed, "{first:x} {length:?}");
        let said = match Opcode::of(first).expect("an opcode") {
            Opcode::Text => text(payload),
            Opcode::Close if payload.is_empty() => "[close]".to_owned(),
            Opcode::Close => {
                let code = u16::from_be_bytes([payload[0], payload[1]]);
                format!("[close {code} {}]", text(&payload[2..]))
            }
            other => format!("[{other:?} {}]", text(payload)),
        };
        Some((said, end))
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// A WebSocket frame as clients send it.
pub(super) fn control(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    masked_frame(opcode, payload, [9, 8, 7, 6], &mut bytes);
    bytes
}
