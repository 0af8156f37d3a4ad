//! A connection's socket: what was read and not taken yet, and waiting for the peer. Nothing is read
//! that nobody asks for, so that whoever does not read its answers is not read either.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    mem::MaybeUninit,
    net::Shutdown,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker, ready},
    time::Instant,
};

use actix_codec::Decoder;
use actix_http::{
    error::ParseError,
    h1::{Codec, Message},
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWrite},
    task::yield_now,
};

use crate::{budget::Seat, ending::Cause, stream::Stream, waits::Wait};

/// Most bytes of a head, and of a body that are read at once.
pub(crate) const READ_BYTES: usize = 16 * 1024;
/// Room for most heads.
const FIRST_BYTES: usize = 4 * 1024;

/// One connection's bytes. A request's body shares them with the connection.
pub(crate) struct Wire {
    /// The connection; borrowed for a moment, never across an await.
    pub stream: RefCell<Stream>,
    /// Its share of what connections may cost.
    pub seat: Seat,
    /// Takes requests apart and puts answers together.
    pub codec: RefCell<Codec>,
    /// What was read and is still to be taken.
    pub read: RefCell<BytesMut>,
    /// Whether the body of the present request was not read to its end.
    pub body_left: Cell<bool>,
    since: Cell<Instant>,
}

impl Wire {
    /// Nothing was read so far; it was accepted then.
    pub(crate) fn new(stream: Stream, accepted: Instant, seat: Seat, codec: Codec) -> Rc<Self> {
        let (stream, codec) = (RefCell::new(stream), RefCell::new(codec));
        let (read, since) = (RefCell::default(), Cell::new(accepted));
        Rc::new(Self { stream, seat, codec, read, body_left: Cell::default(), since })
    }

    /// What is waited for from here on is waited for since now.
    pub(crate) fn begin_wait(&self) {
        self.since.set(Instant::now());
    }

    /// The next part of the body, if it was read; nothing at its end.
    ///
    /// # Errors
    /// It is not chunked as it was announced.
    pub(crate) fn next_chunk(&self) -> Result<Option<Option<Bytes>>, ParseError> {
        let decoded = self.codec.borrow_mut().decode(&mut self.read.borrow_mut())?;
        Ok(match decoded {
            Some(Message::Chunk(chunk)) => {
                self.body_left.set(chunk.is_some());
                Some(chunk)
            }
            // A head comes only behind the end of the body.
            Some(Message::Item(_)) | None => None,
        })
    }

    /// Whether the rest of the body was read with its request, and is done with now.
    pub(crate) fn body_is_over(&self) -> bool {
        while self.body_left.get() {
            match self.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return false,
            }
        }
        true
    }

    /// Lets others go first, where more requests have come already: whoever asks for much at once
    /// takes turns with those who ask for little.
    ///
    /// # Errors
    /// The connection was given up meanwhile.
    pub(crate) async fn take_turn(&self) -> io::Result<()> {
        if self.read.borrow().is_empty() {
            return Ok(());
        }
        let mut others = pin!(yield_now());
        let ending = poll_fn(|cx| match others.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(self.seat.ending()),
            Poll::Pending => self.seat.poll_wait(Wait::Head, self.since.get(), cx).map(Some),
        });
        let ending = ending.await;
        self.seat.go_on();
        ending.map_or(Ok(()), |_| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Reads more, as long as fewer than [`READ_BYTES`] are there. `false` at the end of what the
    /// peer sends.
    ///
    /// # Errors
    /// The connection is lost, or was given up meanwhile.
    pub(crate) async fn fill(&self, wait: Wait) -> io::Result<bool> {
        poll_fn(|cx| self.poll_fill(wait, cx)).await
    }

    /// The same, to be asked again.
    pub(crate) fn poll_fill(&self, wait: Wait, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if let Poll::Ready(filled) = self.try_fill(wait, cx) {
            self.seat.go_on();
            return Poll::Ready(filled);
        }
        let ending = ready!(self.seat.poll_wait(wait, self.since.get(), cx));
        if ending.cause == Cause::Stopping && self.has_unseen_bytes() {
            return Poll::Pending;
        }
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whether bytes have come that the runtime has not been told of yet.
    fn has_unseen_bytes(&self) -> bool {
        let stream = self.stream.borrow();
        let peeked = SockRef::from(stream.tcp()).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_ok_and(|count| count > 0)
    }

    /// The buffer is there only while something is in it.
    fn try_fill(&self, wait: Wait, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut read = self.read.borrow_mut();
        let is_large = matches!(wait, Wait::Body | Wait::Farewell);
        let most = if is_large { READ_BYTES } else { FIRST_BYTES };
        let room = READ_BYTES.saturating_sub(read.len()).min(most);
        read.reserve(room);
        let filled = match self.seat.hold_buffer(read.capacity()) {
            Ok(()) => {
                let (mut stream, mut into) = (self.stream.borrow_mut(), (&mut *read).limit(room));
                // Nothing is lost with a reading that is given up.
                pin!(stream.read_buf(&mut into)).poll(cx)
            }
            Err(problem) => Poll::Ready(Err(io::Error::other(problem))),
        };
        if read.is_empty() {
            *read = BytesMut::new();
            // Less is always granted.
            let _ = self.seat.hold_buffer(0);
        }
        filled.map_ok(|count| count > 0)
    }

    /// Writes everything.
    ///
    /// # Errors
    /// The connection is lost, or was given up because the peer takes nothing.
    pub(crate) async fn send(&self, out: &mut BytesMut) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(out, cx)).await
    }

    fn poll_send(&self, out: &mut BytesMut, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut stream = self.stream.borrow_mut();
        if stream.is_tls() {
            // Asked again, the peer has taken some of what was encrypted, or the seat is lost.
            self.seat.go_on();
        }
        loop {
            let sent = match out.is_empty() {
                true => Pin::new(&mut *stream).poll_flush(cx).map_ok(|()| None),
                false => Pin::new(&mut *stream).poll_write(cx, out).map_ok(Some),
            };
            match sent {
                Poll::Ready(Ok(None)) => {
                    self.seat.go_on();
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(Some(0))) => {
                    return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                }
                Poll::Ready(Ok(Some(count))) => {
                    out.advance(count);
                    self.seat.go_on();
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    ready!(self.seat.poll_wait(Wait::Answer, Instant::now(), cx));
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
            }
        }
    }

    /// Writes what goes at once, to a peer that is asked to go on.
    pub(crate) fn try_send(&self, bytes: &[u8], cx: &mut Context<'_>) -> bool {
        let mut stream = self.stream.borrow_mut();
        let sent = Pin::new(&mut *stream).poll_write(cx, bytes);
        // What is encrypted and does not go at once goes with the answer.
        let _ = Pin::new(&mut *stream).poll_flush(cx);
        matches!(sent, Poll::Ready(Ok(count)) if count == bytes.len())
    }

    /// Says inside TLS that this is the end, if that was not said and goes at once: who hears nothing
    /// cannot tell it from an attack (RFC 8446 section 6.1).
    pub(crate) fn say_end(&self) {
        let is_tls = self.stream.borrow().is_tls();
        if is_tls {
            // The connection may be lost already.
            let _ = self.shut_down();
        }
    }

    /// Says that nothing more is sent, as far as that goes at once.
    pub(crate) fn shut_down(&self) -> io::Result<()> {
        let mut stream = self.stream.borrow_mut();
        let mut nobody = Context::from_waker(Waker::noop());
        match Pin::new(&mut *stream).poll_shutdown(&mut nobody) {
            Poll::Ready(shut) => shut,
            // The peer takes nothing, and finds the end missing.
            Poll::Pending => SockRef::from(stream.tcp()).shutdown(Shutdown::Write),
        }
    }
}
