//! What is asked for: flags, and the values they stand for.

mod addresses;
mod phase;
mod phases;
mod scenarios;
mod sources;
mod targets;

pub use {
    addresses::{address, http_addresses},
    phase::Phase,
    phases::{Kind, Limit, Mode, Recipients, Step, repeated},
    scenarios::{
        Api, Idle, Merge, Output, Probe, Push, Pushes, Scenario, Sessions, Settings, Storm,
        Watching,
    },
    sources::Sources,
    targets::{Target, Targets},
};
