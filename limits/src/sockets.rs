//! TCP sockets of this thread's network namespace in a given state. The kernel filters them, so
//! that a million established ones cost no message.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, TCP_LISTEN},
    inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags},
};
use netlink_sys::{Socket, SocketAddr as NetlinkAddress, protocols::NETLINK_SOCK_DIAG};

/// Sockets are counted up to here. More than that many in CLOSE_WAIT is no more of a problem.
const MOST: usize = 1_000_000;
/// What the kernel puts into one message at most.
const MESSAGE_BYTES: usize = 64 * 1024;

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
    /// It does not answer such questions (CONFIG_INET_DIAG).
    pub fn read() -> io::Result<Self> {
        let mut found = Self::default();
        for family in [AF_INET, AF_INET6] {
            ask(family, StateFlags::LISTEN | StateFlags::CLOSE_WAIT, |socket| found.add(socket))?;
        }
        Ok(found)
    }

    fn add(&mut self, socket: &InetResponseHeader) {
        if socket.state == TCP_LISTEN {
            let id = &socket.socket_id;
            self.listeners.push(Listener {
                address: SocketAddr::new(id.source_address, id.source_port),
                waiting: socket.recv_queue,
                backlog: socket.send_queue,
                user: socket.uid,
            });
        } else {
            self.close_wait += 1;
        }
    }
}

fn ask(
    family: u8,
    states: StateFlags,
    mut found: impl FnMut(&InetResponseHeader),
) -> io::Result<()> {
    let socket = Socket::new(NETLINK_SOCK_DIAG)?;
    socket.connect(&NetlinkAddress::new(0, 0))?;
    socket.send(&request(family, states), 0)?;
    let mut buffer = Vec::with_capacity(MESSAGE_BYTES);
    let mut count = 0;
    while count < MOST {
        buffer.clear();
        socket.recv(&mut buffer, 0)?;
        let mut rest = buffer.as_slice();
        while !rest.is_empty() {
            let message = NetlinkMessage::<SockDiagMessage>::deserialize(rest)
                .map_err(|error| io::Error::other(error.to_string()))?;
            match message.payload {
                NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                    found(&response.header);
                    count += 1;
                }
                NetlinkPayload::Done(_) => return Ok(()),
                NetlinkPayload::Error(error) => return Err(error.to_io()),
                _ => {}
            }
            let length = (message.header.length as usize).next_multiple_of(4).max(4);
            rest = rest.get(length..).unwrap_or_default();
        }
    }
    Ok(())
}

fn request(family: u8, states: StateFlags) -> Vec<u8> {
    let socket_id = if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() };
    let question = SockDiagMessage::InetRequest(InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states,
        socket_id,
    });
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut message = NetlinkMessage::new(header, question.into());
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// Whether an address is the one a client would reach it by.
pub fn serves(listener: &Listener, target: SocketAddr) -> bool {
    let any = match listener.address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    listener.address.port() == target.port() && (any || listener.address.ip() == target.ip())
}

#[cfg(test)]
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
