//! The last words to a connection that does not become a session.

use std::{
    io::{self, Write},
    net::Shutdown,
    time::Duration,
};

use protocol::{CloseReason, problem::Problem, server_frame::ServerFrame};

use super::{origins, routes};
use crate::{
    access::admission::{Refusal, retry_ms},
    http::{
        refused::{Manner, no_content, refused},
        request::Request,
    },
    runtime::wheel::NEVER,
    seats::{Arrival, Port, Progress},
    session::Local,
    settings::Settings,
    transports::{tcp::Tcp, wire::Wire},
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

    /// A problem, where no request can be read.
    pub(super) fn unread(problem: &Problem) -> Self {
        Self(refused(problem, Manner::default()))
    }

    /// What a session says to frames that were posted for it, by a page of this origin, if by one.
    pub(super) fn of_session(said: &Result<(), Problem>, reader: Option<&str>) -> Self {
        let manner = Manner { reader, ..Manner::default() };
        Self(match said {
            Ok(()) => no_content("", reader),
            Err(problem) => refused(problem, manner),
        })
    }

    /// That there is nothing more to say, or to a browser that a page of this origin may ask.
    pub(super) fn nothing(settings: &Settings, request: &Request<'_>) -> Self {
        let methods = routes::methods(settings, request.path).unwrap_or_default();
        Self(no_content(methods, origins::reader(settings, request)))
    }

    /// A `bye`.
    pub(super) fn tcp(reason: CloseReason) -> Self {
        let mut bye = Vec::new();
        Tcp.encode(&ServerFrame::bye(reason, retry_ms()).encode(), &mut bye);
        Self(bye)
    }

    /// Says it, and leaves the client a moment: closing while it still sends would reset the
    /// connection, and the answer might be lost with it.
    ///
    /// # Errors
    /// The client is gone, or takes nothing; its socket is empty, so it has room for this.
    pub(super) fn say(&self, arrival: &mut Arrival, local: &Local) -> io::Result<()> {
        arrival.socket.write_all(&self.0)?;
        arrival.socket.shutdown(Shutdown::Write)?;
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
            Port::Tcp => Farewell::tcp(self.close_reason()),
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
                Problem::new(503, "Overloaded", detail).retry_after(pause)
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
