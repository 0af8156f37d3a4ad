//! A request's body: read from the socket when its handler asks for more, and not before.

use std::{
    fmt, io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_http::{Payload, error::PayloadError};
use actix_web::web::Bytes;
use futures::Stream;
use protocol::problem::Problem;

use crate::{waits::Wait, wire::Wire};

/// What the peer is asked to go on with (RFC 9110 section 10.1.1).
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Why a body ended before its time, as the problem to answer with.
#[derive(Debug)]
struct Cut(Problem);

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl std::error::Error for Cut {}

/// What to answer to a body that ended like this.
pub fn problem(error: &PayloadError) -> Problem {
    let cut = match error {
        PayloadError::Io(error) => error.get_ref().and_then(|inner| inner.downcast_ref::<Cut>()),
        _ => None,
    };
    cut.map_or_else(
        || Problem::new(400, "Broken body", "the body ended early, or is not chunked as announced"),
        |cut| cut.0.clone(),
    )
}

/// The body of the request that was taken off the wire last.
pub(crate) struct Body {
    wire: Rc<Wire>,
    awaits_continue: bool,
}

impl Body {
    /// A body that is still to be read; `awaits_continue` if the peer holds it back until it is
    /// asked for.
    pub(crate) fn payload(wire: &Rc<Wire>, awaits_continue: bool) -> Payload {
        wire.body_left.set(true);
        wire.begin_wait();
        Payload::Stream { payload: Box::pin(Self { wire: Rc::clone(wire), awaits_continue }) }
    }

    /// Reads more of the peer's bytes.
    fn poll_more(&self, cx: &mut Context<'_>) -> Poll<Result<(), PayloadError>> {
        let filled = ready!(self.wire.poll_fill(Wait::Body, cx));
        self.wire.begin_wait();
        Poll::Ready(match filled {
            Ok(true) => Ok(()),
            Ok(false) => Err(PayloadError::Incomplete(None)),
            Err(error) => Err(PayloadError::Io(match self.wire.seat.ending() {
                Some(ending) => match ending.problem() {
                    Some(problem) => io::Error::other(Cut(problem)),
                    None => error,
                },
                None => error,
            })),
        })
    }
}

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while self.wire.body_left.get() {
            match self.wire.next_chunk() {
                Ok(Some(Some(chunk))) => return Poll::Ready(Some(Ok(chunk))),
                Ok(Some(None)) => return Poll::Ready(None),
                Ok(None) => {}
                Err(_) => return Poll::Ready(Some(Err(PayloadError::EncodingCorrupted))),
            }
            if std::mem::take(&mut self.awaits_continue) && !self.wire.try_send(CONTINUE, cx) {
                return Poll::Ready(Some(Err(PayloadError::Incomplete(None))));
            }
            if let Err(error) = ready!(self.poll_more(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.wire.seat.go_on();
    }
}
