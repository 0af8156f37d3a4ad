//! A request on a connection of its own, up to the status of its answer.

use std::io;

use client::response::{Head, ROOM};

use super::stream::Stream;

/// One that has begun.
pub(crate) struct Request {
    stream: Stream,
    received: Vec<u8>,
}

impl Request {
    /// Sends these bytes as soon as the connection is there.
    ///
    /// # Errors
    /// TLS is over.
    pub(crate) fn begin(mut stream: Stream, bytes: &[u8]) -> io::Result<Self> {
        stream.say(bytes)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends and receives what is possible: the status, once it is there.
    ///
    /// # Errors
    /// There will be none.
    pub(crate) fn advance(&mut self) -> io::Result<Option<u16>> {
        if !self.stream.is_connected()? {
            return Ok(None);
        }
        self.stream.flush()?;
        loop {
            let length = match self.stream.receive(&mut self.received) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                other => other?,
            };
            match status(&self.received)? {
                None if length == 0 => {
                    let why = "closed without an answer";
                    return Err(io::Error::new(io::ErrorKind::UnexpectedEof, why));
                }
                None => {}
                found => return Ok(found),
            }
        }
    }
}

/// The status in the head of an answer, if all of that is there.
fn status(bytes: &[u8]) -> io::Result<Option<u16>> {
    let mut room = ROOM;
    match Head::read(bytes, &mut room) {
        Ok(head) => Ok(head.map(|head| head.status)),
        Err(_) => Err(io::Error::other("not HTTP")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_from_a_whole_head() {
        for (text, expected) in [
            ("HTTP/1.1 200 OK\r\n\r\n", Some(200)),
            ("HTTP/1.1 426 Upgrade\r\nx: y\r\n\r\n", Some(426)),
            ("HTTP/1.1 200 OK\r\n", None),
        ] {
            assert_eq!(status(text.as_bytes()).expect(text), expected, "{text}");
        }
        let error = status(b"SSH-2.0\r\n\r\n").expect_err("another protocol");
        assert_eq!(error.to_string(), "not HTTP");
    }
}
