//! From an accepted connection to its session, or to its answer.
//!
//! What a client says first is read and answered here, in whatever pieces it comes, without a task,
//! a timer or any machinery for the connection. It is answered once, and then it ends: nothing is
//! kept for a second request, so nothing of it has to be bounded (docs/decisions/door.md).

use std::{cell::Cell, io, rc::Rc, time::Instant};

use bytes::BytesMut;
use protocol::Transport;

use super::{
    handshake::{Doorway, Refused},
    leaving::{Farewell, Reason},
    proxy_header::{Begun, read_header},
    tcp,
};
use crate::{
    access::pending::Pending,
    http::request::MAX_HEAD_BYTES,
    seats::{Arrival, Asking, Port, Progress, Then},
    session::Runner,
    tls::Socket,
};

/// What becomes of an arrival.
pub(crate) enum Arrived {
    /// It is still one: it has not said everything, or has its answer and may go.
    Waiting(Box<Arrival>),
    /// It is a session, to be seated.
    Joined(Runner),
    /// It is gone.
    Gone,
}

/// Receives the first words of a thread's clients.
pub(crate) struct Arrivals {
    pub(super) doorway: Doorway,
    pending: Rc<Pending>,
    /// When this thread last said that it refuses connections at listeners for proxies.
    pub(super) told_at: Cell<Option<Instant>>,
}

impl Arrivals {
    /// Receives for a thread.
    pub(crate) fn new(doorway: Doorway, pending: Rc<Pending>) -> Self {
        Self { doorway, pending, told_at: Cell::default() }
    }

    /// The connections that are not sessions.
    pub(crate) fn pending(&self) -> &Rc<Pending> {
        &self.pending
    }

    /// Reads all that the connection in a seat has said, and acts on it once that is enough.
    pub(crate) fn receive(&self, mut arrival: Box<Arrival>, seat: u32) -> Arrived {
        if let Progress::Telling(_) = arrival.progress {
            arrival = match self.tell_more(arrival) {
                Arrived::Waiting(arrival) => arrival,
                settled => return settled,
            };
        }
        loop {
            if self.defer(&mut arrival, seat) {
                return Arrived::Waiting(arrival);
            }
            match self.read(&mut arrival) {
                Ok(0) => return self.on_end(*arrival),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        arrival.keep_sealed();
                        return Arrived::Waiting(arrival);
                    }
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::InvalidData => return self.on_fault(arrival, &error),
                    _ => return self.on_end(*arrival),
                },
            }
            arrival = match self.on_words(arrival, seat) {
                Arrived::Waiting(arrival) => arrival,
                settled => return settled,
            };
        }
    }

    fn read(&self, arrival: &mut Arrival) -> io::Result<usize> {
        let local = &self.doorway.seats.local;
        let mut scratch = local.scratch.borrow_mut();
        let count = match &arrival.progress {
            Progress::Speaking(words) if arrival.is_before_tls() => {
                read_header(&arrival.socket, words, &mut scratch)?
            }
            _ if arrival.is_unsealed() => self.read_sealed(arrival, &mut scratch)?,
            _ => arrival.read(&mut scratch, &local.tls)?,
        };
        match &mut arrival.progress {
            Progress::Speaking(words) => words.extend_from_slice(&scratch[..count]),
            Progress::Asking(Asking { then: Then::End(left, _), .. })
            | Progress::Answered(left) => {
                *left = left.saturating_sub(count);
            }
            Progress::Asking(Asking { then: Then::Next(words, _), .. }) => {
                words.extend_from_slice(&scratch[..count]);
                arrival.guard.keep(words.len());
            }
            Progress::Telling(telling) => {
                telling.words.extend_from_slice(&scratch[..count]);
                arrival.guard.keep(telling.bytes.len() + telling.words.len());
            }
        }
        Ok(count)
    }

    pub(super) fn on_words(&self, mut arrival: Box<Arrival>, seat: u32) -> Arrived {
        match &mut arrival.progress {
            Progress::Speaking(words) => {
                let mut words = std::mem::take(words);
                if arrival.is_proxied {
                    match self.take_header(&mut arrival, &mut words, seat) {
                        // As always where TLS is spoken, which begins now.
                        Begun::Whole if words.is_empty() => {
                            return wait_for_more(arrival, BytesMut::new());
                        }
                        Begun::Whole => {}
                        Begun::Part => return wait_for_more(arrival, words),
                        Begun::Wrong => return Arrived::Gone,
                    }
                }
                match arrival.port {
                    Port::Http => self.on_request(arrival, words, seat),
                    Port::Tcp => self.on_lines(arrival, words, seat),
                    Port::WebSocket => self.on_messages(arrival, words, seat),
                }
            }
            Progress::Answered(0) => self.give_up(arrival, Reason::Deadline),
            Progress::Asking(asking) if asking.is_flooded() => {
                self.give_up(arrival, Reason::Deadline)
            }
            Progress::Telling(telling) if telling.words.len() > MAX_HEAD_BYTES => {
                self.give_up(arrival, Reason::Deadline)
            }
            Progress::Asking(_) | Progress::Telling(_) | Progress::Answered(_) => {
                Arrived::Waiting(arrival)
            }
        }
    }

    fn on_lines(&self, arrival: Box<Arrival>, words: BytesMut, seat: u32) -> Arrived {
        let limit = self.doorway.seats.local.settings.max_frame;
        match tcp::first_frame(&words, limit) {
            Ok(None) => wait_for_more(arrival, words),
            Ok(Some((connect, used))) => {
                let rest = BytesMut::from(&words[used..]);
                let joined = |socket| tcp::join(&self.doorway, &connect, socket, rest, seat);
                self.join(*arrival, joined, |refused| {
                    Farewell::bye(refused.refusal.close_reason(), Transport::Tcp)
                })
            }
            Err(reason) => {
                self.count(arrival.port, reason.as_str());
                self.say(arrival, &Farewell::bye(reason, Transport::Tcp))
            }
        }
    }

    /// Makes a session of an arrival, or says why not.
    pub(super) fn join(
        &self,
        arrival: Arrival,
        join: impl FnOnce(Socket) -> Result<Runner, Box<Refused>>,
        farewell: impl FnOnce(&Refused) -> Farewell,
    ) -> Arrived {
        match join(Socket { stream: arrival.socket, tls: arrival.tls }) {
            Ok(runner) => Arrived::Joined(runner),
            Err(refused) => {
                let farewell = farewell(&refused);
                let Some(Socket { stream: socket, tls }) = refused.socket else {
                    return Arrived::Gone;
                };
                self.say(Box::new(Arrival { socket, tls, ..arrival }), &farewell)
            }
        }
    }

    /// Says something last, after which the client has a moment to go.
    pub(super) fn say(&self, mut arrival: Box<Arrival>, farewell: &Farewell) -> Arrived {
        match farewell.say(&mut arrival, &self.doorway.seats.local) {
            Ok(()) => Arrived::Waiting(arrival),
            // The client is gone.
            Err(_) => Arrived::Gone,
        }
    }

    /// Gives up an arrival, for which there is a reason that is not its own.
    pub(crate) fn give_up(&self, mut arrival: Box<Arrival>, reason: Reason) -> Arrived {
        if arrival.is_shaking() {
            self.doorway.seats.local.metrics.tls.handshake(reason.as_str());
        }
        let Progress::Speaking(words) = &arrival.progress else {
            self.doorway.seats.local.metrics.answered_cut_short.inc();
            Self::abandon(*arrival);
            return Arrived::Gone;
        };
        if arrival.is_handshake() {
            self.count(arrival.port, reason.as_str());
        }
        // One that was silent all the while is not worth an answer.
        if words.is_empty() && arrival.port != Port::WebSocket {
            // With TLS it is told at least that this is no accident. It is gone in any case.
            let _ = arrival.end_sending();
            return Arrived::Gone;
        }
        let farewell = reason.farewell(arrival.port);
        let said = self.say(arrival, &farewell);
        if reason.leaves_time() { said } else { Arrived::Gone }
    }

    fn on_end(&self, arrival: Arrival) -> Arrived {
        if arrival.is_shaking() {
            self.doorway.seats.local.metrics.tls.handshake("client_left");
        }
        if arrival.is_handshake() {
            self.count(arrival.port, "client_left");
        }
        Self::abandon(arrival);
        Arrived::Gone
    }

    /// Counts what became of a handshake.
    pub(super) fn count(&self, port: Port, result: &str) {
        let metrics = &self.doorway.seats.local.metrics;
        match port {
            Port::Http => metrics.request(result),
            Port::Tcp => metrics.handshake(Transport::Tcp, result),
            Port::WebSocket => metrics.handshake(Transport::WebSocket, result),
        }
    }
}

/// Keeps what has come, which is not enough.
pub(super) fn wait_for_more(mut arrival: Box<Arrival>, words: BytesMut) -> Arrived {
    arrival.guard.keep(words.capacity());
    arrival.progress = Progress::Speaking(words);
    Arrived::Waiting(arrival)
}
