//! One session as the client sees it: its rules, and what its bytes say.

mod failure;
pub(crate) mod handshake;
mod opening;
mod rules;
pub(crate) mod scan;
pub(crate) mod socket;
pub(crate) mod websocket;

pub(crate) use {
    failure::{Failure, Failures},
    opening::Openings,
    rules::{Effect, Rules, Session, State, Transport},
};
