//! From the accept queue to a session.
//!
//! Connections come by [`accept`]; [`arrivals`] reads their first words and hands
//! them to the transport that is meant, [`websocket`] or [`tcp`], or to ordinary HTTP ([`routes`]).
//! Each transport makes an [`Unidentified`](handshake::Unidentified) client of a connection, which
//! the [`handshake`] turns into a session, or refuses.

pub(crate) mod accept;
pub(crate) mod arrivals;
pub(crate) mod handshake;
mod routes;
mod tcp;
mod websocket;
