//! A probe on a connection of its own: connect, and perhaps a request and its answer.

use std::io;

use mio::{Registry, Token};
use nix::errno::Errno;

use super::server::Server;
use crate::session::{request::Request, stream::Stream};

/// One probe.
pub(super) struct Exchange {
    sort: usize,
    due: u64,
    begun: Begun,
}

/// How far is gone.
enum Begun {
    /// To where somebody accepts.
    Connect(Stream),
    /// To the answer of a request.
    Request(Request),
}

/// Where a probe stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    Waits,
    /// The answer is there.
    Answered,
    /// There will be none.
    Lost(String),
}

impl Exchange {
    /// Begins to connect.
    pub(super) fn begin(
        sort: usize,
        server: &Server,
        due: u64,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        let Server { address, peer, request } = server;
        let begun = match request {
            None => Begun::Connect(Stream::connect(*address, None, registry, token)?),
            Some(request) => {
                let stream = Stream::connect(*address, peer.as_ref(), registry, token)?;
                Begun::Request(Request::begin(stream, request.as_bytes())?)
            }
        };
        Ok(Self { sort, due, begun })
    }

    /// Which kind of probe it is.
    pub(super) fn sort(&self) -> usize {
        self.sort
    }

    /// When it was due.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// The socket has something to say.
    pub(super) fn advance(&mut self) -> Step {
        let step = match &mut self.begun {
            Begun::Connect(stream) => {
                stream.is_connected().map(|is| if is { Step::Answered } else { Step::Waits })
            }
            Begun::Request(request) => {
                request.advance().map(|status| status.map_or(Step::Waits, verdict))
            }
        };
        step.unwrap_or_else(|error| Step::Lost(name_of(&error)))
    }
}

/// Any answer will do, but one that says the server is in trouble.
fn verdict(status: u16) -> Step {
    match status {
        ..500 => Step::Answered,
        _ => Step::Lost(format!("HTTP status {status}")),
    }
}

/// The errno's name, or what else is wrong.
pub(super) fn name_of(error: &io::Error) -> String {
    let errno = error.raw_os_error().map(Errno::from_raw);
    errno.map_or_else(|| error.to_string(), |errno| format!("{errno:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_answer_but_a_server_error_will_do() {
        for status in [200, 404, 426] {
            assert_eq!(verdict(status), Step::Answered, "{status}");
        }
        assert_eq!(verdict(503), Step::Lost("HTTP status 503".into()));
    }
}
