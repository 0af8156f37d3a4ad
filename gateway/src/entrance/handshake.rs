//! From a connection to a session: the client says who it is, and is let in or told why not.
//!
//! The types carry the order: an [`Unidentified`] client can only become a [`Session`] by being
//! identified and admitted, which consumes it. Refused, it comes back, so that its transport can
//! say why.

use std::{net::TcpStream, rc::Rc, sync::Arc};

use bytes::BytesMut;
use protocol::Transport;

use crate::{
    access::{
        admission::{Admission, Permit, Refusal},
        auth::Credentials,
        identity::Identity,
    },
    seats::Seats,
    session::{Joining, Runner, Session},
};

/// What handshakes on one thread need.
#[derive(Clone)]
pub(crate) struct Doorway {
    /// Where sessions sit.
    pub seats: Rc<Seats>,
    /// Whether there is room for one more.
    pub admission: Arc<Admission>,
}

/// A connection whose handshake is complete, but for who it is.
pub(crate) struct Unidentified {
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
pub(crate) struct Refused {
    /// The client's connection.
    pub socket: TcpStream,
    /// Why.
    pub refusal: Refusal,
}

impl Unidentified {
    /// Checks whether there is room and who the client is, and starts its session. In this order,
    /// because a signature costs more than everything else about a handshake.
    ///
    /// # Errors
    /// Hands the connection back with the reason. Both outcomes are counted.
    pub(crate) fn identify(
        self,
        doorway: &Doorway,
        credentials: Credentials<'_>,
    ) -> Result<Runner, Box<Refused>> {
        let permit = match doorway.admission.admit() {
            Ok(permit) => permit,
            Err(refusal) => return Err(self.refuse(doorway, refusal)),
        };
        match doorway.seats.local.authenticator.authenticate(credentials) {
            Ok(identity) => self.start(doorway, Some(identity), permit),
            Err(error) => Err(self.refuse(doorway, Refusal::Unauthorized(error.0))),
        }
    }

    /// Starts an echo session, which has no user and gets no pushes.
    ///
    /// # Errors
    /// Hands the connection back with the reason. Both outcomes are counted.
    pub(crate) fn echo(self, doorway: &Doorway) -> Result<Runner, Box<Refused>> {
        match doorway.admission.admit() {
            Ok(permit) => self.start(doorway, None, permit),
            Err(refusal) => Err(self.refuse(doorway, refusal)),
        }
    }

    fn start(
        self,
        doorway: &Doorway,
        identity: Option<Identity>,
        permit: Permit,
    ) -> Result<Runner, Box<Refused>> {
        let Self { socket, seat, transport, read, greeting } = self;
        let permit = Some(permit);
        let joining = Joining { socket, seat, transport, read, greeting, identity, permit };
        let local = &doorway.seats.local;
        let started = Session::start(local, joining);
        let result = started.as_ref().map_or(Refusal::TooManySessions.as_str(), |_| "accepted");
        local.metrics.handshake(transport, result);
        started.map_err(|socket| Box::new(Refused { socket, refusal: Refusal::TooManySessions }))
    }

    /// Turns the client away, which is counted.
    pub(crate) fn refuse(self, doorway: &Doorway, refusal: Refusal) -> Box<Refused> {
        doorway.seats.local.metrics.handshake(self.transport, refusal.as_str());
        Box::new(Refused { socket: self.socket, refusal })
    }
}
