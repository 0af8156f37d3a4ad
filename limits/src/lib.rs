//! What stands between a machine and a number of sessions: its limits, what has been hit already,
//! and what to do about it.
//!
//! [`network`] enters the network namespace in question; there, and in [`process`] and [`cgroup`],
//! [`machine`] reads what is set and [`counters`] what has happened, from [`kernel_text`],
//! [`sysctl`]s, [`sockets`] and [`reserved`] ports. [`rows`] hold that against the wanted number of sessions
//! ([`question`]), by what each one costs ([`cost`]), and [`assessment`] adds up. [`remedy`] sets
//! what can be set while things run. [`symptom`] goes the other way, from an error to the limit
//! behind it, and [`headroom`] watches how much memory is left. A process asks [`descriptors`] for
//! room before it holds sockets, and [`kernel_memory`] for what they cost outside of it.
//!
//! A module imports only what is declared after it.

pub mod remedy;
pub mod symptom;

pub mod assessment;
pub mod rows;

pub mod cost;
pub mod headroom;
pub mod places;
pub mod question;
pub mod row;

pub mod machine;

pub mod counters;
pub mod descriptors;
pub mod kernel_memory;

pub mod cgroup;
pub mod network;
pub mod process;
pub mod reserved;
pub mod sockets;
pub mod sysctl;

pub mod kernel_text;

pub use self::{
    assessment::Assessment, counters::Counters, headroom::Headroom, kernel_memory::KernelMemory,
    machine::Machine, question::Question,
};
