//! From bytes to a request: reads a head, and refuses what is none or asks for what cannot be given.

use actix_codec::Decoder;
use actix_http::{HttpMessage, Request, error::ParseError, h1::Message, header};
use actix_web::http::Version;
use protocol::problem::Problem;

use crate::{
    waits::Wait,
    wire::{READ_BYTES, Wire},
};

/// What came instead of a request.
pub(crate) enum NoRequest {
    /// The peer left, or was given up before it said anything.
    Gone,
    /// What it said is refused.
    Refused(Problem),
}

/// Reads until a head is complete. `first` on a new connection.
///
/// # Errors
/// There is none.
pub(crate) async fn read(wire: &Wire, first: bool) -> Result<Request, NoRequest> {
    // Of a new connection its first head is waited for since it was accepted.
    let mut patient = first;
    loop {
        if let Some(request) = decode(wire)? {
            return Ok(request);
        }
        let known = wire.read.borrow().len();
        if !patient && known > 0 {
            patient = true;
            wire.begin_wait();
        }
        fill(wire, first, known).await?;
    }
}

/// Reads until there may be something to decode: a head ends in a line break, and to look at each
/// byte of one that trickles would look at the first bytes thousands of times.
async fn fill(wire: &Wire, first: bool, known: usize) -> Result<(), NoRequest> {
    loop {
        let length = wire.read.borrow().len();
        if length >= READ_BYTES {
            return Err(NoRequest::Refused(too_long(&wire.read.borrow())));
        }
        let wait = match (length, first) {
            (0, true) => Wait::Silent,
            (0, false) => Wait::Idle,
            _ => Wait::Head,
        };
        match wire.fill(wait).await {
            Ok(true) => {}
            Ok(false) => return Err(NoRequest::Gone),
            Err(_) => {
                let ending = wire.seat.ending().and_then(|ending| ending.problem());
                return Err(ending.map_or(NoRequest::Gone, NoRequest::Refused));
            }
        }
        if length == 0 || wire.read.borrow()[known..].contains(&b'\n') {
            return Ok(());
        }
    }
}

fn decode(wire: &Wire) -> Result<Option<Request>, NoRequest> {
    let mut read = wire.read.borrow_mut();
    // An empty line in front of a request is nothing (RFC 9112 section 2.2).
    let blank = read.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    drop(read.split_to(blank));
    if read.is_empty() {
        return Ok(None);
    }
    match wire.codec.borrow_mut().decode(&mut read) {
        Ok(Some(Message::Item(request))) => Ok(Some(request)),
        Ok(None) => Ok(None),
        Err(ParseError::TooLarge) => Err(NoRequest::Refused(too_many_fields())),
        Ok(Some(Message::Chunk(_))) | Err(_) => Err(NoRequest::Refused(not_http())),
    }
}

fn too_long(head: &[u8]) -> Problem {
    match head.contains(&b'\n') {
        true => too_many_fields(),
        false => {
            let detail = format!("a request's first line may have {READ_BYTES} bytes at most");
            Problem::new(414, "URI too long", detail)
        }
    }
}

fn too_many_fields() -> Problem {
    let detail = format!("a request's head may have {READ_BYTES} bytes and 96 fields at most");
    Problem::new(431, "Request header fields too large", detail)
}

fn not_http() -> Problem {
    Problem::new(400, "Bad request", "this is no request of HTTP/1.1 (RFC 9112)")
}

/// Whether the peer holds its body back until it is asked for it.
///
/// # Errors
/// It expects something else (RFC 9110 section 10.1.1).
pub(crate) fn awaits_continue(request: &Request) -> Result<bool, Problem> {
    let mut expected = request.headers().get_all(header::EXPECT).peekable();
    if expected.peek().is_none() || request.version() < Version::HTTP_11 {
        return Ok(false);
    }
    let known = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"100-continue");
    match expected.all(|value| known(value.as_bytes())) {
        true => Ok(true),
        false => {
            let detail = "only Expect: 100-continue can be met";
            Err(Problem::new(417, "Expectation failed", detail))
        }
    }
}
