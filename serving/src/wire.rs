//! A connection's socket: what was read and not taken yet, and waiting for the peer. Nothing is read
//! that nobody asks for, so that whoever does not read its answers is not read either.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    io,
    mem::MaybeUninit,
    pin::pin,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Instant,
};

use actix_codec::Decoder;
use actix_http::{
    error::ParseError,
    h1::{Codec, Message},
};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use socket2::SockRef;
use tokio::{net::TcpStream, task::yield_now};

use crate::{budget::Seat, ending::Cause, waits::Wait};

/// Most bytes of a head, and of a body that are read at once.
pub(crate) const READ_BYTES: usize = 16 * 1024;
/// Room for most heads.
const FIRST_BYTES: usize = 4 * 1024;

/// One connection's bytes. A request's body shares them with the connection.
pub(crate) struct Wire {
    /// The socket.
    pub socket: TcpStream,
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
    /// Nothing was read so far.
    pub(crate) fn new(socket: TcpStream, seat: Seat, codec: Codec) -> Rc<Self> {
        let (codec, read) = (RefCell::new(codec), RefCell::default());
        let since = Cell::new(Instant::now());
        Rc::new(Self { socket, seat, codec, read, body_left: Cell::default(), since })
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
        loop {
            match self.try_fill(wait) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                filled => {
                    self.seat.go_on();
                    return Poll::Ready(filled);
                }
            }
            if self.socket.poll_read_ready(cx)?.is_pending() {
                let ending = ready!(self.seat.poll_wait(wait, self.since.get(), cx));
                if ending.cause == Cause::Stopping && self.has_unseen_bytes() {
                    return Poll::Pending;
                }
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
    }

    /// Whether bytes have come that the runtime has not been told of yet.
    fn has_unseen_bytes(&self) -> bool {
        let peeked = SockRef::from(&self.socket).peek(&mut [MaybeUninit::uninit()]);
        peeked.is_ok_and(|count| count > 0)
    }

    /// The buffer is there only while something is in it.
    fn try_fill(&self, wait: Wait) -> io::Result<bool> {
        let mut read = self.read.borrow_mut();
        let is_large = matches!(wait, Wait::Body | Wait::Farewell);
        let most = if is_large { READ_BYTES } else { FIRST_BYTES };
        let room = READ_BYTES.saturating_sub(read.len()).min(most);
        read.reserve(room);
        let held = self.seat.hold_buffer(read.capacity()).map_err(io::Error::other);
        let filled = held.and_then(|()| self.socket.try_read_buf(&mut (&mut *read).limit(room)));
        if read.is_empty() {
            *read = BytesMut::new();
            // Less is always granted.
            let _ = self.seat.hold_buffer(0);
        }
        filled.map(|count| count > 0)
    }

    /// Writes everything.
    ///
    /// # Errors
    /// The connection is lost, or was given up because the peer takes nothing.
    pub(crate) async fn send(&self, out: &mut BytesMut) -> io::Result<()> {
        poll_fn(|cx| self.poll_send(out, cx)).await
    }

    fn poll_send(&self, out: &mut BytesMut, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !out.is_empty() {
            match self.socket.try_write(out) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    out.advance(count);
                    self.seat.go_on();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.socket.poll_write_ready(cx)?.is_pending() {
                        ready!(self.seat.poll_wait(Wait::Answer, Instant::now(), cx));
                        return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                    }
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes what goes at once, to a peer that is told why it is given up.
    pub(crate) fn try_send(&self, bytes: &[u8]) -> bool {
        matches!(self.socket.try_write(bytes), Ok(count) if count == bytes.len())
    }
}
