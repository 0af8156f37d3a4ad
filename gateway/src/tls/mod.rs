//! TLS between a socket and whoever reads and writes it: plaintext on one side, records on the other.
//!
//! A [`channel`] is the bytes alone, without a socket: [`record`]s in, plaintext out, and back. [`Tls`]
//! ([`connection`]) puts it on a socket and keeps only what is incomplete; everything else goes through
//! the [`Buffers`] of the thread. [`stream`] reads and writes a socket with or without it. What goes
//! wrong is a [`Fault`]. Handshakes share the thread by a [`Budget`].

mod budget;
mod stream;

mod connection;

mod channel;

mod buffers;
mod fault;
mod record;

#[cfg(test)]
mod fixtures;

pub(crate) use self::{
    budget::Budget,
    buffers::Buffers,
    connection::{Received, Tls},
    stream::{Socket, end_sending, read, write, write_all, write_vectored},
};
pub use self::{
    channel::{Channel, Opened},
    fault::Fault,
};
