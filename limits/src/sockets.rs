//! TCP sockets of this thread's network namespace in a given state. The kernel filters them, so
//! that a million established ones cost no message. Only with the feature `sockets` is it asked.

#[cfg(feature = "sockets")]
mod netlink;

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Where.
    pub address: SocketAddr,
    /// Connections that wait to be accepted.
    pub waiting: u32,
    /// How many may wait: what listen() was called with, or somaxconn at that time.
    pub backlog: u32,
    /// Whose it is.
    pub user: u32,
}

/// What is looked for among the sockets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sockets {
    /// Those that listen.
    pub listeners: Vec<Listener>,
    /// Those whose peer has gone and which their process has not closed.
    pub close_wait: u64,
}

impl Sockets {
    /// Asks the kernel.
    ///
    /// # Errors
    /// It does not answer such questions (CONFIG_INET_DIAG), or this is a build that does not ask.
    #[cfg(feature = "sockets")]
    pub fn read() -> io::Result<Self> {
        let mut found = Self::default();
        netlink::ask_all(|socket| found.add(socket))?;
        Ok(found)
    }

    #[cfg(feature = "sockets")]
    fn add(&mut self, socket: netlink::Socket) {
        match socket {
            netlink::Socket::Listens(listener) => self.listeners.push(listener),
            netlink::Socket::Left => self.close_wait += 1,
        }
    }

    /// Asks nobody.
    ///
    /// # Errors
    /// Always: this is a build without the feature `sockets`.
    #[cfg(not(feature = "sockets"))]
    pub fn read() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Whether an address is the one a client would reach it by.
pub fn serves(listener: &Listener, target: SocketAddr) -> bool {
    let any = match listener.address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    listener.address.port() == target.port() && (any || listener.address.ip() == target.ip())
}

#[cfg(all(test, feature = "sockets"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn a_listener_is_found_with_its_queue_and_a_peer_that_went_is_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _waiting = TcpStream::connect(address).unwrap();
        let found = Sockets::read().unwrap();
        let own = found.listeners.iter().find(|one| serves(one, address)).unwrap();
        assert_eq!((own.waiting, own.backlog > 0), (1, true));
        let half = TcpStream::connect(address).unwrap();
        let accepted = listener.accept().unwrap();
        let accepted = [accepted, listener.accept().unwrap()];
        drop(half);
        while Sockets::read().unwrap().close_wait == 0 {
            std::thread::yield_now();
        }
        drop(accepted);
    }
}
