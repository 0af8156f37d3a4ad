//! From an accepted connection to its session, or to its answer.
//!
//! What a client says first is read and answered here, in whatever pieces it comes, without a task,
//! a timer or any machinery for the connection. It is answered once, and then it ends: nothing is
//! kept for a second request, so nothing of it has to be bounded (docs/decisions/door.md).

use std::{
    io::{self, Read},
    net::TcpStream,
    rc::Rc,
};

use bytes::{Bytes, BytesMut};
use protocol::problem::Problem;

use super::{
    frames,
    handshake::{Doorway, Refused},
    leaving::{Farewell, LINGER_BYTES, Reason},
    origins,
    requests::{self, Asked},
    sse, tcp, websocket,
};
use crate::{
    access::{admission::Refusal, pending::Pending},
    http::request::Request,
    seats::{Arrival, Asking, Port, Progress},
    session::Runner,
};

/// The label of the handshake metric for a request that wants no session and is no mistake.
const NO_CONTENT: &str = "no_content";
/// The label for one that brought frames to a session.
const FRAMES: &str = "frames";

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
    doorway: Doorway,
    pending: Rc<Pending>,
}

impl Arrivals {
    /// Receives for a thread.
    pub(crate) fn new(doorway: Doorway, pending: Rc<Pending>) -> Self {
        Self { doorway, pending }
    }

    /// The connections that are not sessions.
    pub(crate) fn pending(&self) -> &Rc<Pending> {
        &self.pending
    }

    /// Reads all that the connection in a seat has said, and acts on it once that is enough.
    pub(crate) fn receive(&self, mut arrival: Box<Arrival>, seat: u32) -> Arrived {
        loop {
            match self.read(&mut arrival) {
                Ok(0) => return self.on_end(&arrival),
                Ok(_) => {}
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Arrived::Waiting(arrival),
                    io::ErrorKind::Interrupted => continue,
                    _ => return self.on_end(&arrival),
                },
            }
            arrival = match self.on_words(arrival, seat) {
                Arrived::Waiting(arrival) => arrival,
                settled => return settled,
            };
        }
    }

    fn read(&self, arrival: &mut Arrival) -> io::Result<usize> {
        let mut scratch = self.doorway.seats.local.scratch.borrow_mut();
        let count = arrival.socket.read(&mut scratch)?;
        match &mut arrival.progress {
            Progress::Speaking(words) => words.extend_from_slice(&scratch[..count]),
            Progress::Asking(Asking { left, .. }) | Progress::Answered(left) => {
                *left = left.saturating_sub(count);
            }
        }
        Ok(count)
    }

    fn on_words(&self, mut arrival: Box<Arrival>, seat: u32) -> Arrived {
        match &mut arrival.progress {
            Progress::Speaking(words) => {
                let words = std::mem::take(words);
                match arrival.port {
                    Port::Http => self.on_request(arrival, words, seat),
                    Port::Tcp => self.on_lines(arrival, words, seat),
                }
            }
            Progress::Asking(Asking { left: 0, .. }) | Progress::Answered(0) => {
                self.give_up(arrival, Reason::Deadline)
            }
            Progress::Asking(_) | Progress::Answered(_) => Arrived::Waiting(arrival),
        }
    }

    fn on_request(&self, arrival: Box<Arrival>, words: BytesMut, seat: u32) -> Arrived {
        let (request, used) = match Request::read(&words) {
            Ok(Some(found)) => found,
            Ok(None) => return wait_for_more(arrival, words),
            Err(error) => {
                let problem = error.problem();
                self.count(arrival.port, requests::result_of(&problem));
                return self.say(arrival, &Farewell::unread(&problem));
            }
        };
        let settings = &self.doorway.seats.local.settings;
        let asked = requests::check(settings, &request).map_err(|problem| {
            // Who may not ask here at all is told that, and not what there is.
            origins::check(settings, &request, &arrival.socket)
                .map_or_else(|foreign| Refusal::from(foreign).problem(), |()| problem)
        });
        match asked {
            Ok(Asked::WebSocket) => {
                let rest = BytesMut::from(&words[used..]);
                let joined = |socket| websocket::join(&self.doorway, &request, socket, rest, seat);
                self.join_by(&request, *arrival, joined)
            }
            Ok(asked @ (Asked::Sse | Asked::Frames)) => match request.body.of(&words[used..]) {
                None => wait_for_more(arrival, words),
                Some(body) if asked == Asked::Sse => self.on_events(&request, body, arrival, seat),
                Some(body) => self.on_frames(&request, body, arrival, seat),
            },
            Ok(Asked::Preflight | Asked::Nothing) => {
                self.count(arrival.port, NO_CONTENT);
                self.say(arrival, &Farewell::nothing(settings, &request))
            }
            Err(problem) => self.refuse(&request, &problem, arrival),
        }
    }

    fn on_events(
        &self,
        request: &Request<'_>,
        body: &[u8],
        arrival: Box<Arrival>,
        seat: u32,
    ) -> Arrived {
        match sse::connect(body) {
            Ok(connect) => {
                let joined = |socket| sse::join(&self.doorway, request, &connect, socket, seat);
                self.join_by(request, *arrival, joined)
            }
            Err(problem) => self.refuse(request, &problem, arrival),
        }
    }

    fn on_frames(
        &self,
        request: &Request<'_>,
        body: &[u8],
        mut arrival: Box<Arrival>,
        seat: u32,
    ) -> Arrived {
        let seats = &self.doorway.seats;
        let settings = &seats.local.settings;
        if let Err(foreign) = origins::check(settings, request, &arrival.socket) {
            return self.refuse(request, &Refusal::from(foreign).problem(), arrival);
        }
        match frames::post(seats, request, Bytes::copy_from_slice(body), seat) {
            Ok(answer) => {
                self.count(arrival.port, FRAMES);
                arrival.guard.keep(0);
                let reader = origins::reader(settings, request).map(Box::from);
                arrival.progress = Progress::Asking(Asking { answer, reader, left: LINGER_BYTES });
                Arrived::Waiting(arrival)
            }
            Err(problem) => self.refuse(request, &problem, arrival),
        }
    }

    /// Says what the session has said to which the connection in a seat has brought frames, if it has.
    pub(crate) fn pass_on(&self, arrival: Box<Arrival>) -> Arrived {
        let Progress::Asking(asking) = &arrival.progress else { return Arrived::Waiting(arrival) };
        let Some(said) = asking.answer.take() else { return Arrived::Waiting(arrival) };
        let farewell = Farewell::of_session(&said, asking.reader.as_deref());
        self.say(arrival, &farewell)
    }

    fn refuse(&self, request: &Request<'_>, problem: &Problem, arrival: Box<Arrival>) -> Arrived {
        self.count(arrival.port, requests::result_of(problem));
        let settings = &self.doorway.seats.local.settings;
        self.say(arrival, &Farewell::http(problem, settings, request))
    }

    fn join_by(
        &self,
        request: &Request<'_>,
        arrival: Arrival,
        join: impl FnOnce(TcpStream) -> Result<Runner, Box<Refused>>,
    ) -> Arrived {
        let settings = &self.doorway.seats.local.settings;
        self.join(arrival, join, |refused| {
            Farewell::http(&refused.refusal.problem(), settings, request)
        })
    }

    fn on_lines(&self, arrival: Box<Arrival>, words: BytesMut, seat: u32) -> Arrived {
        let limit = self.doorway.seats.local.settings.max_frame;
        match tcp::first_frame(&words, limit) {
            Ok(None) => wait_for_more(arrival, words),
            Ok(Some((connect, used))) => {
                let rest = BytesMut::from(&words[used..]);
                let joined = |socket| tcp::join(&self.doorway, &connect, socket, rest, seat);
                self.join(*arrival, joined, |refused| Farewell::tcp(refused.refusal.close_reason()))
            }
            Err(reason) => {
                self.count(arrival.port, reason.as_str());
                self.say(arrival, &Farewell::tcp(reason))
            }
        }
    }

    /// Makes a session of an arrival, or says why not.
    fn join(
        &self,
        arrival: Arrival,
        join: impl FnOnce(TcpStream) -> Result<Runner, Box<Refused>>,
        farewell: impl FnOnce(&Refused) -> Farewell,
    ) -> Arrived {
        match join(arrival.socket) {
            Ok(runner) => Arrived::Joined(runner),
            Err(refused) => {
                let farewell = farewell(&refused);
                self.say(Box::new(Arrival { socket: refused.socket, ..arrival }), &farewell)
            }
        }
    }

    /// Says something last, after which the client has a moment to go.
    fn say(&self, mut arrival: Box<Arrival>, farewell: &Farewell) -> Arrived {
        match farewell.say(&mut arrival, &self.doorway.seats.local) {
            Ok(()) => Arrived::Waiting(arrival),
            // The client is gone.
            Err(_) => Arrived::Gone,
        }
    }

    /// Gives up an arrival, for which there is a reason that is not its own.
    pub(crate) fn give_up(&self, arrival: Box<Arrival>, reason: Reason) -> Arrived {
        let Progress::Speaking(words) = &arrival.progress else {
            self.doorway.seats.local.metrics.answered_cut_short.inc();
            return Arrived::Gone;
        };
        self.count(arrival.port, reason.as_str());
        // One that was silent all the while is not worth an answer.
        if words.is_empty() {
            return Arrived::Gone;
        }
        let farewell = reason.farewell(arrival.port);
        let said = self.say(arrival, &farewell);
        if reason.leaves_time() { said } else { Arrived::Gone }
    }

    fn on_end(&self, arrival: &Arrival) -> Arrived {
        if let Progress::Speaking(_) = arrival.progress {
            self.count(arrival.port, "client_left");
        }
        Arrived::Gone
    }

    fn count(&self, port: Port, result: &str) {
        let metrics = &self.doorway.seats.local.metrics;
        match port {
            Port::Http => metrics.request(result),
            Port::Tcp => metrics.handshake(protocol::Transport::Tcp, result),
        }
    }
}

fn wait_for_more(mut arrival: Box<Arrival>, words: BytesMut) -> Arrived {
    arrival.guard.keep(words.capacity());
    arrival.progress = Progress::Speaking(words);
    Arrived::Waiting(arrival)
}
