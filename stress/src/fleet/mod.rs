//! The processes that hold the sessions: the parent's side of them, and a worker's own.
//!
//! [`plan`] shares the sessions out as [`assignment`]s. All [`workers`] together have a [`member`]
//! for each, of which [`start`] makes a thread or a process, and the two talk in the lines of
//! [`wire`]. What a [`worker`] does with its sessions is in a room of its own.

pub(crate) mod assignment;
pub(crate) mod member;
pub(crate) mod plan;
mod start;
pub(crate) mod wire;
pub(crate) mod worker;
pub(crate) mod workers;
