//! The last words to a connection that does not become a session.

use std::{io, time::Duration};

use protocol::{CloseReason, Transport, problem::Problem};

use super::{origins, routes, shown::Shown, sse, websocket};
use crate::{
    access::admission::{Refusal, retry_ms},
    http::{
        answers::{Behind, answer},
        refused::{Manner, no_content, refused},
        request::Request,
    },
    runtime::wheel::NEVER,
    seats::{Arrival, Port, Progress},
    session::{Local, Said, Verdict},
    settings::Settings,
    transports::table::wire,
};

/// How long a client that has its answer may take to go.
const LINGER: Duration = Duration::from_secs(1);
/// How much of what it still sends meanwhile is read, and thrown away: more than a short body, or
/// some frames sent without waiting.
pub(super) const LINGER_BYTES: usize = 256 * 1024;

/// What is said last, in the bytes of the wire.
pub(super) struct Farewell(Vec<u8>);

impl Farewell {
    /// A problem, in answer to a request that could be read.
    pub(super) fn http(problem: &Problem, settings: &Settings, request: &Request<'_>) -> Self {
        let manner = Manner {
            allow: routes::methods(settings, request.path).unwrap_or_default(),
            head_only: request.method == "HEAD",
            reader: origins::reader(settings, request),
        };
        Self(refused(problem, manner))
    }

    /// A refusal of a session, in answer to the request for it.
    pub(super) fn refusal(
        refusal: &Refusal,
        transport: Transport,
        settings: &Settings,
        request: &Request<'_>,
        shown: &Shown<'_>,
    ) -> Self {
        if !shown.wants_close() || !refusal.leaves_room() {
            return Self::http(&refusal.problem(), settings, request);
        }
        let mut answer = match transport {
            Transport::Sse => sse::beginning(origins::reader(settings, request)),
            Transport::WebSocket | Transport::Tcp | Transport::Poll => {
                websocket::switching_protocols(request)
            }
        };
        wire(transport).goodbye(refusal.close_reason(), retry_ms(), &mut answer);
        Self(answer)
    }

    /// A problem, where no request can be read.
    pub(super) fn unread(problem: &Problem) -> Self {
        Self(refused(problem, Manner::default()))
    }

    /// What a session says to a request that was brought to it, by a page of this origin, if by one.
    pub(super) fn of_session(said: Verdict, reader: Option<&str>) -> Self {
        let manner = Manner { reader, ..Manner::default() };
        Self(match said {
            Ok(Said::Nothing) => answer(None, reader, Behind::Closes),
            Ok(Said::Json(body) | Said::Last(body)) => answer(Some(&body), reader, Behind::Closes),
            Err(problem) => refused(&problem, manner),
        })
    }

    /// That there is nothing more to say, or to a browser that a page of this origin may ask.
    pub(super) fn nothing(settings: &Settings, request: &Request<'_>) -> Self {
        let methods = routes::methods(settings, request.path).unwrap_or_default();
        Self(no_content(methods, origins::reader(settings, request)))
    }

    /// A `bye`, and the close where the transport has one.
    pub(super) fn bye(reason: CloseReason, transport: Transport) -> Self {
        let mut bye = Vec::new();
        wire(transport).goodbye(reason, retry_ms(), &mut bye);
        Self(bye)
    }

    /// Nothing, where an alert of TLS has said it already.
    pub(super) fn alert() -> Self {
        Self(Vec::new())
    }

    /// That TLS is spoken where a client came without.
    pub(super) fn speak_tls(port: Port) -> Self {
        match port {
            Port::Http => {
                let detail = "TLS is spoken at this port: use https:// or wss://";
                Self::unread(&Problem::new(400, "Bad Request", detail))
            }
            Port::Tcp | Port::WebSocket => Self::bye(CloseReason::ProtocolError, Transport::Tcp),
        }
    }

    /// The answer to a WebSocket's client that closes.
    pub(super) fn close_back(code: Option<u16>) -> Self {
        let mut close = Vec::new();
        wire(Transport::WebSocket).close_back(code, &mut close);
        Self(close)
    }

    /// Says it, and leaves the client a moment: closing while it still sends would reset the
    /// connection, and the answer might be lost with it.
    ///
    /// # Errors
    /// The client is gone, or takes nothing; its socket is empty, so it has room for this.
    pub(super) fn say(&self, arrival: &mut Arrival, local: &Local) -> io::Result<()> {
        arrival.write_all(&self.0, &local.tls)?;
        arrival.end_sending()?;
        arrival.guard.answered();
        arrival.progress = Progress::Answered(LINGER_BYTES);
        arrival.deadline = local.clock.tick_after(LINGER);
        arrival.due = NEVER;
        Ok(())
    }
}

/// Why a connection is given up that has done nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It has had its time.
    Deadline,
    /// There are too many, and it has waited longest.
    Places,
    /// Too much is kept of what they have sent, and of those it has waited longest.
    Bytes,
    /// The gateway is stopping.
    Draining,
}

impl Reason {
    /// The label of the handshake metric.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Deadline => CloseReason::HandshakeTimeout.as_str(),
            Self::Places => "given_up_places",
            Self::Bytes => "given_up_bytes",
            Self::Draining => Refusal::Draining.as_str(),
        }
    }

    /// Whether there is time for the client to go by itself.
    pub(super) fn leaves_time(self) -> bool {
        matches!(self, Self::Deadline | Self::Draining)
    }

    /// What a client is told that has begun to speak.
    pub(super) fn farewell(self, port: Port) -> Farewell {
        match port {
            Port::Http => Farewell::unread(&self.problem()),
            Port::Tcp => Farewell::bye(self.close_reason(), Transport::Tcp),
            Port::WebSocket => Farewell::bye(self.close_reason(), Transport::WebSocket),
        }
    }

    fn problem(self) -> Problem {
        match self {
            Self::Deadline => {
                Problem::new(408, "Request Timeout", "the request did not come whole in time")
            }
            Self::Places | Self::Bytes => {
                let detail = "too many connections wait to become sessions";
                let pause = Duration::from_millis(retry_ms().into());
                Problem::new(503, "Overloaded", detail).retry_ms(pause)
            }
            Self::Draining => Refusal::Draining.problem(),
        }
    }

    fn close_reason(self) -> CloseReason {
        match self {
            Self::Deadline => CloseReason::HandshakeTimeout,
            Self::Places | Self::Bytes => CloseReason::Overloaded,
            Self::Draining => CloseReason::Draining,
        }
    }
}
