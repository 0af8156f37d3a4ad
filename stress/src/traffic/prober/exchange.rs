//! A probe on a connection of its own: connect, and perhaps a request and its answer.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use client::response::{Head, ROOM};
use mio::{Interest, Registry, Token, net::TcpStream};
use nix::errno::Errno;

use crate::session::socket;

/// One probe.
pub(super) struct Exchange {
    sort: usize,
    due: u64,
    stream: TcpStream,
    /// Not sent yet.
    request: Option<String>,
    wants_answer: bool,
    received: Vec<u8>,
}

/// Where a probe stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    Waits,
    /// The answer is there.
    Answered,
    /// There will be none.
    Lost(String),
}

impl Exchange {
    /// Begins to connect.
    pub(super) fn begin(
        sort: usize,
        address: SocketAddr,
        request: &Option<String>,
        due: u64,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let mut stream = socket::connect(address, None, None)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        let (request, wants_answer) = (request.clone(), request.is_some());
        Ok(Self { sort, due, stream, request, wants_answer, received: Vec::new() })
    }

    /// Which kind of probe it is.
    pub(super) fn sort(&self) -> usize {
        self.sort
    }

    /// When it was due.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// The socket has something to say.
    pub(super) fn advance(&mut self) -> Step {
        match self.try_advance() {
            Ok(step) => step,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Step::Waits,
            Err(error) => Step::Lost(name_of(&error)),
        }
    }

    fn try_advance(&mut self) -> io::Result<Step> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        // Fails while the connect is under way.
        match self.stream.peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(Step::Waits),
            other => other?,
        };
        if !self.wants_answer {
            return Ok(Step::Answered);
        }
        if let Some(request) = &self.request {
            // A few hundred bytes, which an empty socket takes whole.
            self.stream.write_all(request.as_bytes())?;
            self.request = None;
        }
        self.receive()
    }

    fn receive(&mut self) -> io::Result<Step> {
        let mut chunk = [0; 4096];
        loop {
            let length = self.stream.read(&mut chunk)?;
            self.received.extend_from_slice(&chunk[..length]);
            match verdict(&self.received) {
                Step::Waits if length == 0 => {
                    return Ok(Step::Lost("closed without an answer".into()));
                }
                Step::Waits => {}
                decided => return Ok(decided),
            }
        }
    }
}

/// Any answer will do, but one that says the server is in trouble.
fn verdict(bytes: &[u8]) -> Step {
    let mut room = ROOM;
    match Head::read(bytes, &mut room) {
        Ok(None) => Step::Waits,
        Ok(Some(head)) if head.status < 500 => Step::Answered,
        Ok(Some(head)) => Step::Lost(format!("HTTP status {}", head.status)),
        Err(_) => Step::Lost("not HTTP".into()),
    }
}

/// The errno's name.
pub(super) fn name_of(error: &io::Error) -> String {
    let errno = error.raw_os_error().map(Errno::from_raw);
    errno.map_or_else(|| error.kind().to_string(), |errno| format!("{errno:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_answer_but_a_server_error_will_do() {
        let cases = [
            ("HTTP/1.1 200 OK\r\n\r\n", Step::Answered),
            ("HTTP/1.1 426 Upgrade\r\nx: y\r\n\r\n", Step::Answered),
            ("HTTP/1.1 503 Busy\r\n\r\n", Step::Lost("HTTP status 503".into())),
            ("HTTP/1.1 200 OK\r\n", Step::Waits),
            ("SSH-2.0\r\n\r\n", Step::Lost("not HTTP".into())),
        ];
        for (text, expected) in cases {
            assert_eq!(verdict(text.as_bytes()), expected, "{text}");
        }
    }
}
