//! A socket with or without TLS. Without, nothing is added to the system's calls.

use std::{
    cell::RefCell,
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpStream},
};

use super::{
    buffers::Buffers,
    connection::{Received, Tls},
};

/// A connection on its way from one that keeps it to another.
pub(crate) struct Socket {
    /// The socket.
    pub stream: TcpStream,
    /// TLS, where it is spoken.
    pub tls: Option<Box<Tls>>,
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self { stream, tls: None }
    }
}

/// Reads what has come.
///
/// # Errors
/// The socket's, or what is wrong with what has come.
pub(crate) fn read(
    mut socket: &TcpStream,
    tls: Option<&mut Tls>,
    bytes: &mut [u8],
    buffers: &RefCell<Buffers>,
) -> io::Result<Received> {
    match tls {
        None => {
            let count = socket.read(bytes)?;
            Ok(Received { count, more: count == bytes.len() })
        }
        Some(tls) => tls.read(socket, bytes, &mut buffers.borrow_mut()),
    }
}

/// Writes as much as the socket takes.
///
/// # Errors
/// The socket's.
pub(crate) fn write(
    mut socket: &TcpStream,
    tls: Option<&mut Tls>,
    bytes: &[u8],
    buffers: &RefCell<Buffers>,
) -> io::Result<usize> {
    match tls {
        None => socket.write(bytes),
        Some(tls) => tls.write(socket, &[IoSlice::new(bytes)], &mut buffers.borrow_mut()),
    }
}

/// Writes as much of several pieces as the socket takes.
///
/// # Errors
/// The socket's.
pub(crate) fn write_vectored(
    mut socket: &TcpStream,
    tls: Option<&mut Tls>,
    slices: &[IoSlice<'_>],
    buffers: &RefCell<Buffers>,
) -> io::Result<usize> {
    match tls {
        None => socket.write_vectored(slices),
        Some(tls) => tls.write(socket, slices, &mut buffers.borrow_mut()),
    }
}

/// Writes all of it.
///
/// # Errors
/// The socket's, also where it does not take all of it now.
pub(crate) fn write_all(
    mut socket: &TcpStream,
    tls: Option<&mut Tls>,
    bytes: &[u8],
    buffers: &RefCell<Buffers>,
) -> io::Result<()> {
    match tls {
        None => socket.write_all(bytes),
        Some(tls) => {
            tls.write(socket, &[IoSlice::new(bytes)], &mut buffers.borrow_mut())?;
            tls.flush(socket)
        }
    }
}

/// Tells the peer that nothing follows.
///
/// # Errors
/// The socket's, `WouldBlock` where it does not take that now.
pub(crate) fn end_sending(socket: &TcpStream, tls: Option<&mut Tls>) -> io::Result<()> {
    if let Some(tls) = tls {
        tls.close(socket)?;
    }
    socket.shutdown(Shutdown::Write)
}
