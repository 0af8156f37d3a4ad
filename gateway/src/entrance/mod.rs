//! From the accept queue to a session.
//!
//! Connections come by [`accept`]; [`arrivals`] reads what they say first. A request is looked at by
//! [`requests`] and, if it is a handshake, by [`websocket`]; a first line by [`tcp`]. Each makes an
//! [`Unidentified`](handshake::Unidentified) client of a connection, which the [`handshake`] turns
//! into a session, or refuses. Who does not become one is told why by [`leaving`].

pub(crate) mod accept;
pub(crate) mod arrivals;
pub(crate) mod handshake;
pub(crate) mod leaving;
mod requests;
pub(crate) mod tcp;
mod websocket;
