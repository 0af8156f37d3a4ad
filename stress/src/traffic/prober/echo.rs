//! A persistent session that sends numbered messages and measures when they come back.

use std::{collections::VecDeque, io, net::SocketAddr};

use client::{Rules, Session, State};
use mio::{Registry, Token};
use protocol::Transport;

use super::{
    exchange::name_of,
    hearing::{Connection, Heard},
    ledger::{ECHO, Ledger},
};
use crate::{
    session::{failure::Failure, opening::Openings, stream::Stream},
    settings::{targets::Target, tls::Peer},
};

/// What is said where the server does not echo.
const NO_ECHO: &str = "the server does not echo: start the gateway with --echo";

/// One persistent session.
pub(crate) struct Line {
    address: SocketAddr,
    target: Target,
    /// What it is inside TLS, where it is.
    peer: Option<Peer>,
    connection: Option<Connection>,
    /// Messages that have not come back, in order: number, when it was due, whether it was sent.
    outstanding: VecDeque<(u64, u64, bool)>,
    next: u64,
    useless: bool,
}

impl Line {
    /// A session with a server that echoes at this path.
    pub(crate) fn new(address: SocketAddr, target: Target, peer: Option<Peer>) -> Self {
        let (connection, outstanding) = (None, VecDeque::new());
        Self { address, target, peer, connection, outstanding, next: 0, useless: false }
    }

    /// Whether the server turned out not to echo.
    pub(super) fn is_useless(&self) -> bool {
        self.useless
    }

    /// Whether nothing is outstanding.
    pub(super) fn is_quiet(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Sends a message, as soon as the session is open.
    pub(super) fn probe(
        &mut self,
        due: u64,
        registry: &Registry,
        token: Token,
        ledger: &mut Ledger,
    ) {
        self.outstanding.push_back((self.next, due, false));
        self.next += 1;
        if self.connection.is_none()
            && let Err(error) = self.connect(registry, token)
        {
            return self.disconnect(&name_of(&error), ledger);
        }
        self.flush(ledger);
    }

    fn connect(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let stream = Stream::connect(self.address, self.peer.as_ref(), registry, token)?;
        let session = Session::new(self.target.transport);
        self.connection = Some(Connection { stream, session });
        Ok(())
    }

    /// Sends what has not been sent, once the session is open.
    fn flush(&mut self, ledger: &mut Ledger) {
        let Some(Connection { stream, session }) = &mut self.connection else { return };
        if session.state() != State::Live {
            return;
        }
        let mut failed = None;
        for (number, _, sent) in self.outstanding.iter_mut().filter(|(_, _, sent)| !sent) {
            let message = format!(r#"{{"type":"echo","n":{number}}}"#);
            *sent = true;
            failed = failed.or(stream.say(&session.message(message.as_bytes())).err());
        }
        failed = failed.or(stream.flush().err());
        if let Some(error) = failed {
            self.disconnect(&name_of(&error), ledger);
        }
    }

    /// The socket has something to say.
    pub(super) fn on_ready(&mut self, number: u32, openings: &mut Openings, ledger: &mut Ledger) {
        let opening = openings.bytes(number, &self.target, self.address.port());
        let rules = Rules {
            needs_hello: self.target.transport == Transport::Tcp,
            echo_once: false,
            posts_pongs: false,
            accept: openings.accept().to_owned(),
        };
        let Some(connection) = &mut self.connection else { return };
        match connection.hear(&opening, &rules) {
            Ok(heard) => self.on_heard(heard, ledger),
            Err(error) => self.disconnect(&name_of(&error), ledger),
        }
    }

    fn on_heard(&mut self, heard: Heard, ledger: &mut Ledger) {
        for number in heard.numbers {
            while let Some((first, due, _)) = self.outstanding.front().copied() {
                if first > number {
                    break;
                }
                self.outstanding.pop_front();
                match first == number {
                    true => ledger.on_answer(ECHO, due),
                    false => ledger.on_lost(ECHO, "not echoed".into()),
                }
            }
        }
        match heard.ended {
            Some(Failure::Status(404)) => self.give_up(ledger),
            _ if heard.refused => self.give_up(ledger),
            Some(failure) => self.disconnect(&failure.to_string(), ledger),
            None if heard.held => self.flush(ledger),
            None => {}
        }
    }

    fn give_up(&mut self, ledger: &mut Ledger) {
        self.useless = true;
        self.connection = None;
        self.outstanding.clear();
        ledger.on_unavailable(ECHO, NO_ECHO.into());
    }

    /// The connection is over; the next probe opens another.
    fn disconnect(&mut self, why: &str, ledger: &mut Ledger) {
        self.connection = None;
        for _ in self.outstanding.drain(..) {
            ledger.on_lost(ECHO, why.to_owned());
        }
    }

    /// Gives up on messages due before `limit`, and on a connection that does not open.
    pub(super) fn expire(&mut self, limit: u64, ledger: &mut Ledger) {
        let before = self.outstanding.len();
        while self.outstanding.front().is_some_and(|(_, due, _)| *due < limit) {
            self.outstanding.pop_front();
            ledger.on_lost(ECHO, "timeout".into());
        }
        let opening = self.connection.as_ref().is_some_and(|it| it.session.state() < State::Live);
        if opening && self.outstanding.len() < before {
            self.connection = None;
        }
    }
}
