//! One session as the client sees it: its rules, and what its bytes say.

mod failure;
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
    failure::{Failure, Failures},
    identity::Identity,
    opening::Openings,
    rules::{Effect, Rules, Session},
    state::State,
};
