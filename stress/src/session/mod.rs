//! One session as the client sees it.
//!
//! A [`socket`] connects, and the bytes of an [`opening`] ask for what an [`Identity`] may have; the
//! [`rules`] turn whatever comes back into [`Effect`]s: the answer by [`handshake`], frames by
//! [`websocket`], messages by [`scan`], until there is a [`Failure`]. None but the socket does any I/O.

mod effect;
mod failure;
mod fragments;
pub(crate) mod handshake;
mod identity;
mod opening;
pub(crate) mod response;
mod rules;
pub(crate) mod scan;
pub(crate) mod socket;
mod state;
pub(crate) mod websocket;

pub(crate) use {
    effect::Effect,
    failure::{Failure, Failures},
    identity::Identity,
    opening::Openings,
    rules::{Rules, Session},
    state::State,
};
