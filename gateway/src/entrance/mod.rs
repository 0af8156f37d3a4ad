//! From the accept queue to a session.
//!
//! Connections come by [`accept`]; [`arrivals`] reads what they say first. A request is looked at by
//! [`requests`], by the [`routes`] there are, and, if it is a handshake, by [`websocket`] or [`sse`], with what it has [`shown`] and
//! by the rules for [`origins`], or it brings [`frames`] for one that is there; a first line by [`tcp`]. Each makes an
//! [`Unidentified`](handshake::Unidentified) client of a connection, which the [`handshake`] turns
//! into a session, or refuses. Who does not become one is told why by [`leaving`].

pub(crate) mod accept;
pub(crate) mod arrivals;
mod frames;
pub(crate) mod handshake;
pub(crate) mod leaving;
mod origins;
mod requests;
mod routes;
mod shown;
mod sse;
pub(crate) mod tcp;
mod websocket;
