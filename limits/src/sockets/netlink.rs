//! Asks the kernel over netlink (sock_diag(7)).

use std::{io, net::SocketAddr};

use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::{
    SockDiagMessage,
    constants::{AF_INET, AF_INET6, IPPROTO_TCP, TCP_LISTEN},
    inet::{ExtensionFlags, InetRequest, InetResponseHeader, SocketId, StateFlags},
};
use netlink_sys::{SocketAddr as NetlinkAddress, protocols::NETLINK_SOCK_DIAG};

use super::Listener;

/// Sockets are counted up to here. More than that many in CLOSE_WAIT is no more of a problem.
const MOST: usize = 1_000_000;
/// What the kernel puts into one message at most.
const MESSAGE_BYTES: usize = 64 * 1024;

/// A socket of note.
pub(super) enum Socket {
    /// One that listens.
    Listens(Listener),
    /// One whose peer has gone and which its process has not closed.
    Left,
}

impl Socket {
    fn new(socket: &InetResponseHeader) -> Self {
        if socket.state != TCP_LISTEN {
            return Self::Left;
        }
        let id = &socket.socket_id;
        Self::Listens(Listener {
            address: SocketAddr::new(id.source_address, id.source_port),
            waiting: socket.recv_queue,
            backlog: socket.send_queue,
            user: socket.uid,
        })
    }
}

/// All of them.
///
/// # Errors
/// The kernel does not answer such questions.
pub(super) fn ask_all(mut found: impl FnMut(Socket)) -> io::Result<()> {
    for family in [AF_INET, AF_INET6] {
        ask(family, StateFlags::LISTEN | StateFlags::CLOSE_WAIT, &mut found)?;
    }
    Ok(())
}

fn ask(family: u8, states: StateFlags, found: &mut impl FnMut(Socket)) -> io::Result<()> {
    let socket = netlink_sys::Socket::new(NETLINK_SOCK_DIAG)?;
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
                    found(Socket::new(&response.header));
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
