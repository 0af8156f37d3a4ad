//! One worker: a thread that holds sessions.
//!
//! [`thread`] starts it. [`run`] are the loops that find out whose turn it is, by socket, mailbox
//! and time; [`welcome`] is what they do for connections that are not sessions yet. [`walk`]
//! delivers broadcasts, [`recall`] asks sessions to come back, and [`drain`] ends it all, or [`moving`] gives it to
//! another process.

mod drain;
mod moving;
mod recall;
mod run;
mod slices;
mod thread;
mod walk;
mod welcome;

pub(crate) use self::{
    drain::End,
    moving::{Handover, PATIENCE, Share, Shares, Step},
    thread::{Door, WorkerParts, run_worker},
};
