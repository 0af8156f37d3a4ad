//! From a connection to a session: the client says who it is, and is let in or told why not.
//!
//! The types carry the order: an [`Unidentified`] client can only become a [`Session`] by being
//! identified and admitted, which consumes it. Refused, it comes back, so that its transport can
//! say why.

use std::{rc::Rc, sync::Arc};

use bytes::BytesMut;
use protocol::Transport;

use crate::{
    access::{
        admission::{Admission, Permit, Refusal},
        auth::Credentials,
        identity::Identity,
    },
    seats::Seats,
    session::{Client, Cursors, Joining, Runner, Session},
    tls::Socket,
};

/// What handshakes on one thread need.
#[derive(Clone)]
pub(crate) struct Doorway {
    /// Where sessions sit.
    pub seats: Rc<Seats>,
    /// Whether there is room for one more.
    pub admission: Arc<Admission>,
}

impl Doorway {
    /// Room for a client that takes the place of its own older session, if there is one.
    fn replace(&self, identity: &Identity) -> Result<Permit, Refusal> {
        let Identity { user, device, .. } = identity;
        let registry = &self.seats.local.directory.registry;
        match device.as_ref().is_some_and(|device| registry.has_device(user.as_str(), device)) {
            true => self.admission.admit_in_place_of_another(),
            false => Err(Refusal::Full),
        }
    }
}

/// A connection whose handshake is complete, but for who it is.
pub(crate) struct Unidentified {
    /// The connection, which its worker waits for; none if it asks by requests.
    pub socket: Option<Socket>,
    /// Its seat on the worker.
    pub seat: u32,
    /// What it speaks.
    pub transport: Transport,
    /// What it has sent already behind its handshake.
    pub read: BytesMut,
    /// What it must be sent before its first frame.
    pub greeting: Vec<u8>,
    /// Where it was in what is kept.
    pub after: Cursors,
}

/// A client that was not let in, and why.
pub(crate) struct Refused {
    /// The client's connection, where it was given.
    pub socket: Option<Socket>,
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
            Ok(permit) => Some(permit),
            Err(Refusal::Full) if doorway.admission.may_look_who_it_is() => None,
            Err(refusal) => return Err(self.refuse(doorway, refusal)),
        };
        let identity = match doorway.seats.local.authenticator.authenticate(credentials) {
            Ok(identity) => identity,
            // Where there is no room, that is the answer, whether it was looked at who it is or not.
            Err(_) if permit.is_none() => return Err(self.refuse(doorway, Refusal::Full)),
            Err(error) => return Err(self.refuse(doorway, Refusal::Unauthorized(error.0))),
        };
        let permit = permit.map_or_else(|| doorway.replace(&identity), Ok);
        match permit {
            Ok(permit) => self.start(doorway, Client::User(identity), permit),
            Err(refusal) => Err(self.refuse(doorway, refusal)),
        }
    }

    /// Starts an echo session, which gets no pushes. Its client shows a token as any other where there
    /// are keys, and need not say who it is where there are none.
    ///
    /// # Errors
    /// Hands the connection back with the reason. Both outcomes are counted.
    pub(crate) fn echo(
        self,
        doorway: &Doorway,
        credentials: Credentials<'_>,
    ) -> Result<Runner, Box<Refused>> {
        let permit = match doorway.admission.admit() {
            Ok(permit) => permit,
            Err(refusal) => return Err(self.refuse(doorway, refusal)),
        };
        let authenticator = &doorway.seats.local.authenticator;
        if authenticator.is_open() {
            return self.start(doorway, Client::Echo { expires: None }, permit);
        }
        match authenticator.authenticate(credentials) {
            Ok(Identity { expires, .. }) => self.start(doorway, Client::Echo { expires }, permit),
            Err(error) => Err(self.refuse(doorway, Refusal::Unauthorized(error.0))),
        }
    }

    fn start(
        self,
        doorway: &Doorway,
        client: Client,
        permit: Permit,
    ) -> Result<Runner, Box<Refused>> {
        let Self { socket, seat, transport, read, greeting, after } = self;
        let permit = Some(permit);
        let joining = Joining { socket, seat, transport, read, greeting, client, after, permit };
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
