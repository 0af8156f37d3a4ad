//! Sockets that wait for connections: one for each worker and address, so that the kernel spreads
//! connections over the workers (SO_REUSEPORT, socket(7)) and no worker hands them to another.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use settings::ListenRange;
use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct ListenError {
    address: SocketAddr,
    error: io::Error,
}

/// How accepted connections behave; they inherit it from the listening socket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    /// Connections the kernel may hold for us to accept.
    pub backlog: u32,
    /// A silent connection is probed by the kernel this often, and given up after three probes.
    /// Not for those that are pinged: the kernel's timer would look at each of them as often again.
    pub keepalive: Option<Duration>,
    /// A peer that acknowledges nothing for this long is given up.
    pub user_timeout: Duration,
}

/// The sockets of some addresses.
pub(crate) struct Listeners {
    /// The addresses, with the ports that were chosen for port 0.
    pub addresses: Vec<SocketAddr>,
    /// The sockets of each worker.
    pub per_worker: Vec<Vec<TcpListener>>,
}

impl Listeners {
    /// Listens on every address for every worker.
    ///
    /// # Errors
    /// An address is taken or not this machine's.
    pub(crate) fn bind(
        ranges: &[ListenRange],
        workers: usize,
        options: Options,
    ) -> Result<Self, ListenError> {
        let mut listeners =
            Self { addresses: Vec::new(), per_worker: (0..workers).map(|_| Vec::new()).collect() };
        for address in ranges.iter().flat_map(ListenRange::addresses) {
            listeners.add(address, options).map_err(|error| ListenError { address, error })?;
        }
        Ok(listeners)
    }

    fn add(&mut self, mut address: SocketAddr, options: Options) -> io::Result<()> {
        if address.port() != 0 {
            check_free(address)?;
        }
        for sockets in &mut self.per_worker {
            let listener = listen(address, options)?;
            // The system chooses for port 0 once, a port that nobody has; the first socket keeps
            // it for the others.
            address = listener.local_addr()?;
            sockets.push(listener);
        }
        self.addresses.push(address);
        Ok(())
    }
}

/// Finds out that no other process listens there: with SO_REUSEPORT alone a second gateway would
/// silently take half of the first one's connections.
fn check_free(address: SocketAddr) -> io::Result<()> {
    let probe = socket(address)?;
    probe.bind(&address.into())?;
    probe.listen(1)
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn listen(address: SocketAddr, options: Options) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    if let Some(period) = options.keepalive {
        let keepalive = TcpKeepalive::new().with_time(period).with_interval(period);
        socket.set_tcp_keepalive(&keepalive.with_retries(3))?;
    }
    socket.set_tcp_user_timeout(Some(options.user_timeout))?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}
