//! A keep-alive connection to pusher-api with one request under way at most.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use mio::{Registry, Token, net::TcpStream};

use super::http::{self, Answer};
use crate::{
    session::stream::{CHUNK, Stream},
    settings::tls::Peer,
};

/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a connect may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// One connection, open or not.
#[derive(Default)]
pub(super) struct Connection {
    stream: Option<Stream>,
    received: Vec<u8>,
    /// Messages in the request under way, and when it was sent.
    under_way: Option<(u64, Instant)>,
    rests_until: Option<Instant>,
}

/// A request that is over.
pub(super) struct Finished {
    pub(super) messages: u64,
    pub(super) answer: io::Result<Answer>,
}

impl Connection {
    /// Whether there is a socket.
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some()
    }

    /// Whether a request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.is_some()
    }

    /// Whether it takes a request now.
    pub(super) fn is_free(&self) -> bool {
        !self.is_busy() && self.rests_until.is_none_or(|until| until <= Instant::now())
    }

    /// Takes no request for a while.
    pub(super) fn rest(&mut self, pause: Duration) {
        self.rests_until = Some(Instant::now() + pause);
    }

    /// Connects; blocks meanwhile, which only happens before the first request and after trouble. A request waits
    /// for the handshake of TLS, where there is one.
    pub(super) fn open(
        &mut self,
        address: SocketAddr,
        peer: Option<&Peer>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<()> {
        let stream = std::net::TcpStream::connect_timeout(&address, CONNECT_WITHIN)?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let stream = Stream::new(TcpStream::from_std(stream), peer, registry, token)?;
        self.stream = Some(stream);
        Ok(())
    }

    /// Sends a request of so many messages.
    pub(super) fn send(&mut self, request: &[u8], messages: u64) -> Option<Finished> {
        self.under_way = Some((messages, Instant::now()));
        self.received.clear();
        let stream = self.stream.as_mut()?;
        let said = stream.say(request).and_then(|()| stream.flush());
        said.err().and_then(|error| self.finish(Err(error)))
    }

    /// Sends and receives what is possible.
    pub(super) fn on_ready(&mut self) -> Option<Finished> {
        match self.receive() {
            Ok(None) => None,
            Ok(Some(answer)) => self.finish(Ok(answer)),
            Err(error) => self.finish(Err(error)),
        }
    }

    /// Gives up on an answer that takes too long.
    pub(super) fn expire(&mut self) -> Option<Finished> {
        let (_, since) = self.under_way?;
        let late = since.elapsed() >= ANSWER_WITHIN;
        late.then(|| self.finish(Err(io::ErrorKind::TimedOut.into())))?
    }

    fn finish(&mut self, answer: io::Result<Answer>) -> Option<Finished> {
        if answer.as_ref().map_or(true, |answer| answer.closes) {
            self.stream = None;
        }
        let (messages, _) = self.under_way.take()?;
        Some(Finished { messages, answer })
    }

    fn receive(&mut self) -> io::Result<Option<Answer>> {
        let Some(stream) = self.stream.as_mut() else { return Ok(None) };
        stream.flush()?;
        loop {
            match stream.receive(&mut self.received) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                // There is no more.
                Ok(length) if length < CHUNK => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        http::answer(&self.received).map_err(io::Error::other)
    }
}
