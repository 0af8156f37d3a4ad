//! A connection on which what does not go at once waits, as it is or inside TLS: what requests and probes go over.
//! Sessions have sockets on which nothing waits.

use std::{
    io::{self, Read, Write},
    net::SocketAddr,
};

use certificates::Cause;
use mio::{Interest, Registry, Token, net::TcpStream};

use super::{socket, tls::Tls};
use crate::settings::tls::Peer;

/// What is read at once, in bytes.
pub(crate) const CHUNK: usize = 4096;

/// The client's end of it.
pub(crate) struct Stream {
    socket: TcpStream,
    tls: Option<Box<Tls>>,
    /// What was said before TLS was there to say it in.
    words: Vec<u8>,
    unsent: Vec<u8>,
}

impl Stream {
    /// Begins to connect, inside TLS if there is such a peer.
    ///
    /// # Errors
    /// The operating system refuses at once, or there is no TLS.
    pub(crate) fn connect(
        address: SocketAddr,
        peer: Option<&Peer>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        Self::new(socket::connect(address, None, None)?, peer, registry, token)
    }

    /// Goes on with a socket that connects or is connected.
    ///
    /// # Errors
    /// epoll does not take it, or there is no TLS.
    pub(crate) fn new(
        mut socket: TcpStream,
        peer: Option<&Peer>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let mut unsent = Vec::new();
        let begin = |peer: &Peer| {
            let mut tls = Box::new(Tls::to(peer)?);
            tls.begin(&mut unsent).map(|()| tls)
        };
        let tls = peer.map(begin).transpose().map_err(no_tls)?;
        Ok(Self { socket, tls, words: Vec::new(), unsent })
    }

    /// Whether the connect is done.
    ///
    /// # Errors
    /// It has failed.
    pub(crate) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        match self.socket.peer_addr() {
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            other => other.map(|_| true),
        }
    }

    /// Says something: it is sent by [`Self::flush`], as soon as that is possible.
    ///
    /// # Errors
    /// TLS is over.
    pub(crate) fn say(&mut self, words: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            None => self.unsent.extend_from_slice(words),
            Some(tls) if tls.is_established() => {
                tls.say(words, &mut self.unsent).map_err(no_tls)?
            }
            Some(_) => self.words.extend_from_slice(words),
        }
        Ok(())
    }

    /// Sends what goes.
    ///
    /// # Errors
    /// The connection has failed.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let mut sent = 0;
        let result = loop {
            if sent == self.unsent.len() {
                break Ok(());
            }
            match self.socket.write(&self.unsent[sent..]) {
                Ok(more) => sent += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.unsent.drain(..sent);
        result
    }

    /// Reads up to a [`CHUNK`] and adds what was said to `said`. How many bytes there were: fewer than that are all
    /// there are, and none is the end.
    ///
    /// # Errors
    /// The connection has failed, TLS has, or there is nothing (`WouldBlock`).
    pub(crate) fn receive(&mut self, said: &mut Vec<u8>) -> io::Result<usize> {
        let mut chunk = [0; CHUNK];
        let length = loop {
            match self.socket.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        let bytes = &mut chunk[..length];
        let Some(tls) = &mut self.tls else {
            said.extend_from_slice(bytes);
            return Ok(length);
        };
        let told = tls.receive(bytes, said, &mut self.unsent);
        if told.as_ref().is_ok_and(|told| told.is_new) {
            let words = std::mem::take(&mut self.words);
            self.say(&words)?;
        }
        // Why it is over is said, too.
        self.flush()?;
        told.map(|_| length).map_err(no_tls)
    }
}

fn no_tls(cause: Cause) -> io::Error {
    io::Error::other(format!("TLS: {cause}"))
}
