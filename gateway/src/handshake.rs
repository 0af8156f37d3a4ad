//! From a connection to a session: the client says who it is, and is let in or told why not.
//!
//! The types carry the order: an [`Unidentified`] client can only become a [`Session`] by being
//! identified and admitted, which consumes it. Refused, it comes back, so that its transport can
//! say why.

use std::{net::TcpStream, rc::Rc};

use actix_http::header::{self, HeaderMap};
use bytes::BytesMut;

use crate::{
    admission::{Permit, Refusal},
    auth::{Credentials, Identity},
    session::{Joining, Session},
    transports::Transport,
    worker::Worker,
};

/// A connection whose handshake is complete, but for who it is.
pub struct Unidentified {
    /// The connection, which its worker waits for.
    pub socket: TcpStream,
    /// Its seat on the worker.
    pub seat: u32,
    /// What it speaks.
    pub transport: Transport,
    /// What it has sent already behind its handshake.
    pub read: BytesMut,
    /// What it must be sent before its first frame.
    pub greeting: Vec<u8>,
}

/// A client that was not let in, and why.
pub struct Refused {
    /// The client's connection.
    pub socket: TcpStream,
    /// Why.
    pub refusal: Refusal,
}

impl Unidentified {
    /// Checks who the client is and whether there is room, and starts its session.
    ///
    /// # Errors
    /// Hands the connection back with the reason. Both outcomes are counted.
    pub fn identify(
        self,
        worker: &Rc<Worker>,
        credentials: Credentials<'_>,
    ) -> Result<(), Box<Refused>> {
        let identity = worker
            .gateway
            .authenticator
            .authenticate(credentials)
            .map_err(|error| Refusal::Unauthorized(error.0));
        match identity {
            Ok(identity) => self.join(worker, Some(identity)),
            Err(refusal) => Err(self.refuse(worker, refusal)),
        }
    }

    /// Starts an echo session, which has no user and gets no pushes.
    ///
    /// # Errors
    /// Hands the connection back with the reason. Both outcomes are counted.
    pub fn echo(self, worker: &Rc<Worker>) -> Result<(), Box<Refused>> {
        self.join(worker, None)
    }

    fn join(self, worker: &Rc<Worker>, identity: Option<Identity>) -> Result<(), Box<Refused>> {
        match worker.gateway.admission.admit() {
            Ok(permit) => self.start(worker, identity, permit),
            Err(refusal) => Err(self.refuse(worker, refusal)),
        }
    }

    fn start(
        self,
        worker: &Rc<Worker>,
        identity: Option<Identity>,
        permit: Permit,
    ) -> Result<(), Box<Refused>> {
        let Self { socket, seat, transport, read, greeting } = self;
        let permit = Some(permit);
        let joining = Joining { socket, seat, transport, read, greeting, identity, permit };
        Session::start(worker, joining).map_err(|socket| {
            let refusal = Refusal::TooManySessions;
            worker.gateway.metrics.handshake(transport, refusal.as_str());
            Box::new(Refused { socket, refusal })
        })?;
        worker.gateway.metrics.handshake(transport, "accepted");
        Ok(())
    }

    fn refuse(self, worker: &Rc<Worker>, refusal: Refusal) -> Box<Refused> {
        worker.gateway.metrics.handshake(self.transport, refusal.as_str());
        Box::new(Refused { socket: self.socket, refusal })
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 section 2.1).
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
