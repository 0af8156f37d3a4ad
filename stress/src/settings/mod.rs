//! What is asked for: flags, and the values they stand for.

mod phases;
mod scenarios;
mod sources;
mod targets;

pub use {
    phases::{Kind, Step, repeated},
    scenarios::{
        Api, Idle, Merge, Mode, Output, Probe, Push, Pushes, Recipients, Scenario, Sessions,
        Settings, Storm, Watching,
    },
    sources::Sources,
    targets::{Target, Targets},
};
