//! From an accepted connection to its handshake.
//!
//! Nearly every client says what it wants in its first packet, and that much is read and answered
//! here, without a task, a timer or HTTP machinery for the connection. Whatever else may come, a
//! request in pieces, one that is no upgrade, a long line, is handed on with the bytes read so far
//! to the services that can deal with everything.

use std::{
    io::{self, Read},
    net::TcpStream,
    rc::Rc,
};

use actix_codec::Decoder;
use actix_http::{ServiceConfig, h1};
use bytes::BytesMut;
use tracing::debug;

use crate::{
    accept::PendingGuard,
    begun::BegunStream,
    http::{self, Serve},
    transports::{Transport, tcp::connect, websocket::upgrade},
    wheel::Wheel,
    worker::Worker,
};

/// A connection that has said nothing yet.
pub struct Arrival {
    /// The connection.
    pub socket: TcpStream,
    /// What its port is for.
    pub transport: Transport,
    /// The tick by which it must have said something.
    pub deadline: u32,
    /// The tick in which the worker looks whether it has.
    pub due: u32,
    /// Counts it as pending.
    pub guard: PendingGuard,
}

impl Arrival {
    /// Has the worker look when the deadline comes, or as near to it as the wheel reaches.
    pub fn schedule(&mut self, seat: u32, worker: &Worker) {
        self.due = Wheel::reachable(self.deadline, worker.tick());
        worker.wheel.borrow_mut().note(seat, self.due);
    }
}

/// What becomes of an arrival that can be read.
pub enum Arrived {
    /// It has said nothing after all.
    Waiting(Box<Arrival>),
    /// It is a session, or is being dealt with elsewhere, or gone.
    Settled,
}

/// Receives the first words of this worker's clients.
pub struct Arrivals {
    worker: Rc<Worker>,
    http: Serve,
    config: ServiceConfig,
}

impl Arrivals {
    /// Receives for a worker; inside its runtime.
    pub async fn new(worker: &Rc<Worker>) -> Self {
        Self {
            worker: Rc::clone(worker),
            http: http::clients(worker).await,
            config: ServiceConfig::default(),
        }
    }

    /// Reads what the connection in a seat says first, and acts on it.
    pub fn receive(&self, mut arrival: Box<Arrival>, seat: u32) -> Arrived {
        let read = {
            let mut scratch = self.worker.scratch.borrow_mut();
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
        let handed_on = match arrival.transport {
            Transport::WebSocket => self.on_request(arrival, read, seat),
            Transport::Tcp => self.on_line(arrival, read, seat),
        };
        if let Err(error) = handed_on {
            debug!(%error, "connection lost in its handshake");
        }
        Arrived::Settled
    }

    fn on_request(&self, arrival: Arrival, read: BytesMut, seat: u32) -> io::Result<()> {
        let mut codec = h1::Codec::new(self.config.clone());
        let mut rest = read.clone();
        let request = match codec.decode(&mut rest) {
            Ok(Some(h1::Message::Item(request))) => request,
            _ => return self.serve_http(arrival, read),
        };
        if upgrade::check(&self.worker, &request).is_err() {
            return self.serve_http(arrival, read);
        }
        let Err(refused) = upgrade::join(&self.worker, &request, arrival.socket, rest, seat) else {
            return Ok(());
        };
        upgrade::answer_at_once(refused.socket, &mut codec, &refused.refusal.problem())
    }

    fn serve_http(&self, arrival: Arrival, read: BytesMut) -> io::Result<()> {
        let Arrival { socket, guard, .. } = arrival;
        let peer = socket.peer_addr()?;
        let begun = BegunStream::new(self.worker.release(socket)?, read);
        let served = (self.http)(begun, peer);
        actix_rt::spawn(async move {
            served.await;
            drop(guard);
        });
        Ok(())
    }

    fn on_line(&self, arrival: Arrival, mut read: BytesMut, seat: u32) -> io::Result<()> {
        let Arrival { socket, guard, .. } = arrival;
        let limit = self.worker.gateway.settings.max_frame;
        let worker = Rc::clone(&self.worker);
        if let Ok(Some(connect)) = connect::first_frame(&mut read, limit) {
            let Err(refused) = connect::join(&worker, &connect, socket, read, seat) else {
                return Ok(());
            };
            let reason = refused.refusal.close_reason();
            let socket = worker.release(refused.socket)?;
            actix_rt::spawn(async move {
                connect::say_goodbye(socket, reason).await;
                drop(guard);
            });
            return Ok(());
        }
        let socket = worker.release(socket)?;
        actix_rt::spawn(async move {
            connect::serve(worker, socket, read).await;
            drop(guard);
        });
        Ok(())
    }
}
