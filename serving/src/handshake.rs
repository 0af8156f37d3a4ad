//! From an accepted socket to a connection inside TLS.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Poll, ready},
    time::Instant,
};

use certificates::rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::{budget::Seat, handshakes::Handshakes, stream::Stream, waits::Wait};

/// A connection that was accepted, and is not heard yet.
pub(crate) struct Accepted {
    /// The socket.
    pub socket: TcpStream,
    /// What TLS is spoken with, if it is.
    pub tls: Option<Arc<ServerConfig>>,
    /// Who has come.
    pub peer: SocketAddr,
    /// When.
    pub at: Instant,
}

impl Accepted {
    /// What requests are read from; nothing where the peer and we do not come to terms. It is waited for as
    /// for a head: since the accept.
    pub(crate) async fn open(self, seat: &Seat, handshakes: &Handshakes) -> Option<Stream> {
        let Self { socket, tls, peer, at } = self;
        let Some(config) = tls else { return Some(socket.into()) };
        let mut taking = TlsAcceptor::from(config).accept(socket);
        let taken = poll_fn(|cx| match Pin::new(&mut taking).poll(cx) {
            Poll::Ready(taken) => Poll::Ready(taken),
            Poll::Pending => {
                ready!(seat.poll_wait(Wait::Silent, at, cx));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
        });
        match taken.await {
            Ok(stream) => {
                handshakes.succeeded();
                Some(Stream::Tls(Box::new(stream.into())))
            }
            Err(error) => {
                handshakes.failed(peer, &error);
                None
            }
        }
    }
}
