//! The processes that hold the sessions: the parent's side of them, and a worker's own.

pub(crate) mod plan;
pub(crate) mod wire;
pub(crate) mod worker;
mod workers;

pub(crate) use workers::{Fleet, Manner, Part};
