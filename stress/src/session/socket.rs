//! Sockets that connect without blocking, from a chosen source address.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use mio::net::TcpStream;
use nix::{
    errno::Errno,
    sys::socket::{setsockopt, sockopt::IpBindAddressNoPort},
};
use socket2::{Domain, Socket, Type};

/// Begins to connect, from this port if one is given and free, otherwise from one of the kernel's
/// choice.
///
/// The kernel chooses in `connect`, not in `bind` (`IP_BIND_ADDRESS_NO_PORT`), so that a port may
/// serve once per destination.
///
/// # Errors
/// The operating system refuses at once.
pub(crate) fn connect(
    target: SocketAddr,
    source: Option<IpAddr>,
    port: Option<u16>,
) -> io::Result<TcpStream> {
    if let Some(port) = port {
        match connect_from(target, source, port) {
            Err(error) if is_taken(&error) => {}
            other => return other,
        }
    }
    let socket = Socket::new(Domain::for_address(target), Type::STREAM.nonblocking(), None)?;
    if let Some(source) = source {
        setsockopt(&socket, IpBindAddressNoPort, &true)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    begin(socket, target)
}

fn connect_from(target: SocketAddr, source: Option<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let any: IpAddr = match target {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = Socket::new(Domain::for_address(target), Type::STREAM.nonblocking(), None)?;
    // Another connection to another server may have it, too.
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::new(source.unwrap_or(any), port).into())?;
    begin(socket, target)
}

fn begin(socket: Socket, target: SocketAddr) -> io::Result<TcpStream> {
    match socket.connect(&target.into()) {
        Err(error) if error.raw_os_error() != Some(Errno::EINPROGRESS as i32) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

fn is_taken(error: &io::Error) -> bool {
    let taken = [Errno::EADDRINUSE as i32, Errno::EADDRNOTAVAIL as i32, Errno::EACCES as i32];
    error.raw_os_error().is_some_and(|errno| taken.contains(&errno))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_is_taken_where_it_is_free() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a server");
        let target = server.local_addr().expect("an address");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let port_of = |stream: &TcpStream| stream.local_addr().expect("an address").port();
        let first = connect(target, None, Some(port)).expect("connects");
        assert_eq!(port_of(&first), port);
        // Towards the same server it is in use now, and the kernel chooses.
        let second = connect(target, None, Some(port)).expect("connects");
        assert_ne!(port_of(&second), port);
        let source = Some(IpAddr::from([127, 0, 0, 2]));
        let third = connect(target, source, Some(port)).expect("connects");
        assert_eq!(port_of(&third), port);
    }
}
