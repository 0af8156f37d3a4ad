//! What becomes of the requests of arrivals, and of the first message of those that are WebSockets.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use protocol::{Transport, problem::Problem};

use super::{
    arrivals::{Arrivals, Arrived, wait_for_more},
    first_message::{self, First, first_message},
    frames,
    handshake::Refused,
    leaving::{Farewell, LINGER_BYTES},
    origins,
    requests::{self, Asked},
    routes,
    shown::Shown,
    sse, websocket,
};
use crate::{
    access::admission::Refusal,
    http::{
        answers::{Behind, answer},
        request::Request,
    },
    seats::{Arrival, Asking, Port, Progress, Then},
    session::{Answer, Runner, Said},
    tls::Socket,
};

/// The label of the handshake metric for a request that wants no session and is no mistake.
const NO_CONTENT: &str = "no_content";
/// The label for one that brought frames to a session.
const FRAMES: &str = "frames";

impl Arrivals {
    /// What has come is the beginning of a request, or all of it.
    pub(super) fn on_request(&self, arrival: Box<Arrival>, words: BytesMut, seat: u32) -> Arrived {
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
        if let Ok(Asked::WebSocket | Asked::Sse) = asked {
            self.note_client(&request, &arrival.socket, seat);
        }
        match asked {
            Ok(Asked::WebSocket) => self.on_handshake(&request, &words[used..], arrival, seat),
            Ok(Asked::Poll) => self.on_poll(&request, &words[used..], arrival, seat),
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

    fn on_handshake(
        &self,
        request: &Request<'_>,
        rest: &[u8],
        arrival: Box<Arrival>,
        seat: u32,
    ) -> Arrived {
        let (shown, rest) = (Shown::by(request), BytesMut::from(rest));
        // Those who get back what they send say no frames of ours.
        if request.path == routes::WEBSOCKET && !shown.says_who() {
            return self.upgrade(request, shown, rest, arrival, seat);
        }
        let joined = |socket| websocket::join(&self.doorway, request, &shown, socket, rest, seat);
        self.join_by(request, &shown, Transport::WebSocket, *arrival, joined)
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
                let shown = Shown::by(request);
                let joined =
                    |socket| sse::join(&self.doorway, request, (&shown, &connect), socket, seat);
                self.join_by(request, &shown, Transport::Sse, *arrival, joined)
            }
            Err(problem) => self.refuse(request, &problem, arrival),
        }
    }

    fn on_frames(
        &self,
        request: &Request<'_>,
        body: &[u8],
        arrival: Box<Arrival>,
        seat: u32,
    ) -> Arrived {
        let seats = &self.doorway.seats;
        if let Err(foreign) = origins::check(&seats.local.settings, request, &arrival.socket) {
            return self.refuse(request, &Refusal::from(foreign).problem(), arrival);
        }
        match frames::post(seats, request, Bytes::copy_from_slice(body), seat) {
            Ok(answer) => {
                self.count(arrival.port, FRAMES);
                self.await_answer(request, arrival, answer, Then::End(LINGER_BYTES, None))
            }
            Err(problem) => self.refuse(request, &problem, arrival),
        }
    }

    /// Has the client wait for what a session says to its request.
    pub(super) fn await_answer(
        &self,
        request: &Request<'_>,
        mut arrival: Box<Arrival>,
        answer: Arc<Answer>,
        then: Then,
    ) -> Arrived {
        let reader = origins::reader(&self.doorway.seats.local.settings, request).map(Box::from);
        arrival.guard.keep(then.words().len());
        arrival.progress = Progress::Asking(Asking { answer, reader, then });
        Arrived::Waiting(arrival)
    }

    /// Says what the session has said to which the connection in a seat has brought something, if it has.
    pub(crate) fn pass_on(&self, arrival: Box<Arrival>, seat: u32) -> Arrived {
        match self.tell_answer(arrival) {
            Arrived::Waiting(arrival) if arrival.has_words() => self.on_words(arrival, seat),
            settled => settled,
        }
    }

    /// The same, without acting on what came behind the request.
    pub(super) fn tell_answer(&self, mut arrival: Box<Arrival>) -> Arrived {
        let Progress::Asking(asking) = &mut arrival.progress else {
            return Arrived::Waiting(arrival);
        };
        let Some(said) = asking.answer.take() else { return Arrived::Waiting(arrival) };
        let reader = asking.reader.take();
        let (json, words) = match (&said, &mut asking.then) {
            (Ok(Said::Json(json)), Then::Next(words, _)) => (Some(json.as_slice()), words),
            (Ok(Said::Nothing), Then::Next(words, _)) => (None, words),
            _ => return self.say(arrival, &Farewell::of_session(said, reader.as_deref())),
        };
        let words = std::mem::take(words);
        let answer = answer(json, reader.as_deref(), Behind::GoesOn);
        self.tell(arrival, answer, words)
    }

    pub(super) fn refuse(
        &self,
        request: &Request<'_>,
        problem: &Problem,
        arrival: Box<Arrival>,
    ) -> Arrived {
        self.count(arrival.port, requests::result_of(problem));
        let settings = &self.doorway.seats.local.settings;
        self.say(arrival, &Farewell::http(problem, settings, request))
    }

    fn join_by(
        &self,
        request: &Request<'_>,
        shown: &Shown<'_>,
        transport: Transport,
        arrival: Arrival,
        join: impl FnOnce(Socket) -> Result<Runner, Box<Refused>>,
    ) -> Arrived {
        let settings = &self.doorway.seats.local.settings;
        self.join(arrival, join, |refused| {
            Farewell::refusal(&refused.refusal, transport, settings, request, shown)
        })
    }

    /// Makes a WebSocket of a connection whose client says who it is in its first message, and has as long for
    /// that as for its request.
    fn upgrade(
        &self,
        request: &Request<'_>,
        shown: Shown<'_>,
        rest: BytesMut,
        mut arrival: Box<Arrival>,
        seat: u32,
    ) -> Arrived {
        let settings = &self.doorway.seats.local.settings;
        if let Err(foreign) = origins::check(settings, request, &arrival.socket) {
            let refusal = Refusal::from(foreign);
            self.doorway.seats.local.metrics.handshake(Transport::WebSocket, refusal.as_str());
            let transport = Transport::WebSocket;
            let farewell = Farewell::refusal(&refusal, transport, settings, request, &shown);
            return self.say(arrival, &farewell);
        }
        // Its socket is empty, so it has room for this.
        let switching = websocket::switching_protocols(request);
        if arrival.write_all(&switching, &self.doorway.seats.local.tls).is_err() {
            return Arrived::Gone;
        }
        arrival.port = Port::WebSocket;
        arrival.device = shown.device();
        self.on_messages(arrival, rest, seat)
    }

    /// What has come are frames of a WebSocket whose client has yet to say who it is.
    pub(super) fn on_messages(&self, arrival: Box<Arrival>, words: BytesMut, seat: u32) -> Arrived {
        let limit = self.doorway.seats.local.settings.max_frame;
        match first_message(&words, limit) {
            Ok(None) => wait_for_more(arrival, words),
            Ok(Some(First::Connect { connect, used, ping })) => {
                let rest = BytesMut::from(&words[used..]);
                let device = arrival.device.clone();
                let joined = |socket| {
                    let first = (&connect, ping.as_deref());
                    let device = device.as_deref();
                    first_message::join(&self.doorway, first, device, socket, rest, seat)
                };
                self.join(*arrival, joined, |refused| {
                    Farewell::bye(refused.refusal.close_reason(), Transport::WebSocket)
                })
            }
            Ok(Some(First::Close(code))) => {
                self.count(arrival.port, "client_left");
                self.say(arrival, &Farewell::close_back(code))
            }
            Err(reason) => {
                self.count(arrival.port, reason.as_str());
                self.say(arrival, &Farewell::bye(reason, Transport::WebSocket))
            }
        }
    }
}
