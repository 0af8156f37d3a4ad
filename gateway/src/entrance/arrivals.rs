//! From an accepted connection to its handshake.
//!
//! Nearly every client says what it wants in its first packet, and that much is read and answered
//! here, without a task, a timer or HTTP machinery for the connection. Whatever else may come, a
//! request in pieces, one that is no upgrade, a long line, is handed on with the bytes read so far
//! to the services that can deal with everything.

use std::{
    io::{self, Read},
    rc::Rc,
};

use actix_codec::Decoder;
use actix_http::{ServiceConfig, h1};
use bytes::BytesMut;
use tracing::debug;

use super::{handshake::Doorway, routes, tcp, websocket};
use crate::{
    access::pending::PendingGuard,
    http::{answer::answer_at_once, begun::BegunStream, serve::Serve},
    seats::{Arrival, Port},
    session::Runner,
};

/// What becomes of an arrival that can be read.
pub(crate) enum Arrived {
    /// It has said nothing after all.
    Waiting(Box<Arrival>),
    /// It is a session, to be seated.
    Joined(Runner),
    /// It is being dealt with elsewhere, or gone.
    Settled,
}

/// Receives the first words of a thread's clients.
pub(crate) struct Arrivals {
    doorway: Doorway,
    http: Serve,
    config: ServiceConfig,
}

impl Arrivals {
    /// Receives for a thread; inside its runtime.
    pub(crate) async fn new(doorway: Doorway) -> Rc<Self> {
        let http = routes::clients(&doorway).await;
        Rc::new(Self { doorway, http, config: ServiceConfig::default() })
    }

    /// Reads what the connection in a seat says first, and acts on it.
    pub(crate) fn receive(&self, mut arrival: Box<Arrival>, seat: u32) -> Arrived {
        let read = {
            let mut scratch = self.doorway.seats.local.scratch.borrow_mut();
            let read = loop {
                match arrival.socket.read(&mut scratch) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    read => break read,
                }
            };
            read.map(|count| BytesMut::from(&scratch[..count]))
        };
        match read {
            Ok(read) if read.is_empty() => Arrived::Settled,
            Ok(read) => self.settle(*arrival, read, seat),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Arrived::Waiting(arrival),
                _ => Arrived::Settled,
            },
        }
    }

    fn settle(&self, arrival: Arrival, read: BytesMut, seat: u32) -> Arrived {
        let settled = match arrival.port {
            Port::Http => self.on_request(arrival, read, seat),
            Port::Tcp => self.on_line(arrival, read, seat),
        };
        match settled {
            Ok(Some(runner)) => Arrived::Joined(runner),
            Ok(None) => Arrived::Settled,
            Err(error) => {
                debug!(%error, "connection lost in its handshake");
                Arrived::Settled
            }
        }
    }

    fn on_request(
        &self,
        arrival: Arrival,
        read: BytesMut,
        seat: u32,
    ) -> io::Result<Option<Runner>> {
        let mut codec = h1::Codec::new(self.config.clone());
        let mut rest = read.clone();
        let request = match codec.decode(&mut rest) {
            Ok(Some(h1::Message::Item(request))) => request,
            _ => return self.serve_http(arrival, read),
        };
        if websocket::check(&self.doorway.seats.local.settings, &request).is_err() {
            return self.serve_http(arrival, read);
        }
        match websocket::join(&self.doorway, &request, arrival.socket, rest, seat) {
            Ok(runner) => Ok(Some(runner)),
            Err(refused) => {
                answer_at_once(refused.socket, &mut codec, &refused.refusal.problem())?;
                Ok(None)
            }
        }
    }

    fn serve_http(&self, arrival: Arrival, read: BytesMut) -> io::Result<Option<Runner>> {
        let Arrival { socket, guard, .. } = arrival;
        let peer = socket.peer_addr()?;
        let begun = BegunStream::new(self.doorway.seats.release(socket)?, read);
        go_on((self.http)(begun, peer), guard);
        Ok(None)
    }

    fn on_line(
        &self,
        arrival: Arrival,
        mut read: BytesMut,
        seat: u32,
    ) -> io::Result<Option<Runner>> {
        let Arrival { socket, guard, .. } = arrival;
        let seats = &self.doorway.seats;
        let Ok(Some(connect)) = tcp::first_frame(&mut read, seats.local.settings.max_frame) else {
            let socket = seats.release(socket)?;
            go_on(tcp::serve(self.doorway.clone(), socket, read), guard);
            return Ok(None);
        };
        match tcp::join(&self.doorway, &connect, socket, read, seat) {
            Ok(runner) => Ok(Some(runner)),
            Err(refused) => {
                let reason = refused.refusal.close_reason();
                let socket = seats.release(refused.socket)?;
                go_on(tcp::say_goodbye(socket, reason), guard);
                Ok(None)
            }
        }
    }
}

/// Has a handshake go on by itself; until it is over, the connection counts as pending.
fn go_on(handshake: impl Future<Output = ()> + 'static, guard: PendingGuard) {
    actix_rt::spawn(async move {
        handshake.await;
        drop(guard);
    });
}
