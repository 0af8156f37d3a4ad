//! What a client says and hears, without sockets, clocks or threads: whoever has those asks this
//! crate what to send, and tells it what has come.
//!
//! The bytes of an [`opening`] ask for a session; the [`rules`] turn whatever comes back into
//! [`effect`]s: the answer by [`handshake`], frames by [`websocket`], events and polls each by a file of
//! their own, messages by [`scan`], until there is an [`ending`]. The head of any HTTP answer is read by
//! [`response`].
//!
//! A module imports only what is declared after it.

pub mod rules;

pub mod effect;
pub mod ending;
pub mod opening;
pub mod state;

mod events;
mod fragments;
mod polls;
mod spoken;

pub mod handshake;
pub mod scan;
pub mod websocket;

pub mod response;

pub use self::{
    effect::Effect,
    ending::Ending,
    rules::{Rules, Session},
    scan::Kind,
    state::State,
};
