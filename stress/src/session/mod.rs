//! One session as the client sees it.
//!
//! A [`socket`] connects, and the bytes of an [`opening`] ask for what an [`identity`] may have;
//! the [`rules`] turn whatever comes back into [`effect`]s: the answer by [`handshake`], frames by
//! [`websocket`], messages by [`scan`], until there is a [`failure`]. None but the socket does any
//! I/O.

pub(crate) mod effect;
pub(crate) mod failure;
mod fragments;
pub(crate) mod handshake;
pub(crate) mod identity;
pub(crate) mod opening;
pub(crate) mod response;
pub(crate) mod rules;
pub(crate) mod scan;
pub(crate) mod socket;
pub(crate) mod state;
pub(crate) mod websocket;
