//! Sockets that connect without blocking, from a chosen source address.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use mio::net::TcpStream;
use nix::{
    errno::Errno,
    sys::socket::{setsockopt, sockopt::IpBindAddressNoPort},
};
use socket2::{Domain, Socket, Type};

/// Begins to connect.
///
/// The source's port is chosen by `connect`, not by `bind` (`IP_BIND_ADDRESS_NO_PORT`), so that a
/// port may serve once per destination.
///
/// # Errors
/// The operating system refuses at once.
pub(crate) fn connect(target: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(target), Type::STREAM.nonblocking(), None)?;
    if let Some(source) = source {
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    match socket.connect(&target.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}
