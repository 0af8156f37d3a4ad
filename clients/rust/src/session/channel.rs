//! A connection to the server: as it is, or inside TLS.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

/// How long a read waits.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a connect may take, and then each step of a handshake.
pub(super) const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// What TLS is spoken with.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Whom to believe, and what is said to be spoken inside.
    pub config: Arc<ClientConfig>,
    /// What the server's certificate has to be for.
    pub name: ServerName<'static>,
}

/// A connection that is open.
pub(super) enum Channel {
    /// What is written is what goes over the wire.
    Plain(TcpStream),
    /// What is written is encrypted.
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Channel {
    /// Connects to the first address of the host that answers, and comes to terms with it about TLS, if that is
    /// asked for. From here on, reading waits for [`LOOK_EVERY`] only.
    ///
    /// # Errors
    /// Nobody answers, or the server is not the one that is meant; then there is an error of rustls inside.
    pub(super) fn open(host: &str, port: u16, tls: Option<&Tls>) -> io::Result<Self> {
        let socket = connect(host, port)?;
        socket.set_write_timeout(Some(CONNECT_WITHIN))?;
        socket.set_read_timeout(Some(CONNECT_WITHIN))?;
        let channel = match tls {
            None => Self::Plain(socket),
            Some(tls) => Self::Tls(Box::new(encrypt(socket, tls)?)),
        };
        channel.socket().set_read_timeout(Some(LOOK_EVERY))?;
        Ok(channel)
    }

    /// Says that nothing more is sent, and that nothing was cut off.
    pub(super) fn say_end(&mut self) {
        if let Self::Tls(tls) = self {
            tls.conn.send_close_notify();
            // The connection is over in any case.
            let _ = tls.flush();
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => tls.get_ref(),
        }
    }
}

impl Read for Channel {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(tls) => match tls.read(into) {
                // Without a last word, as many servers end: what was being said is not whole, which its
                // reader sees.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
                read => read,
            },
        }
    }
}

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(socket) => socket.flush(),
            Self::Tls(tls) => tls.flush(),
        }
    }
}

/// Writes all of it: inside TLS, what was taken in is not on its way before it is flushed.
pub(super) fn say(stream: &mut Channel, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

fn encrypt(socket: TcpStream, tls: &Tls) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let connection = ClientConnection::new(Arc::clone(&tls.config), tls.name.clone());
    let mut stream = StreamOwned::new(connection.map_err(io::Error::other)?, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
    }
    Ok(stream)
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT_WITHIN) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
