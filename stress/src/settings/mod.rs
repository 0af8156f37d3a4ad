//! What is asked for: flags, and the values they stand for.

mod addresses;
mod output;
mod phase;
mod phases;
mod pushes;
mod scenarios;
mod sessions;
mod sources;
mod targets;

pub use scenarios::Settings;
pub(crate) use {
    addresses::http_addresses,
    output::{Output, Watching},
    phase::Phase,
    phases::{Kind, Limit, Mode, Recipients, Step, repeated},
    pushes::{Api, ApiKey, Pushes},
    scenarios::{Idle, Merge, Probe, Push, Scenario, Storm},
    sessions::Sessions,
    targets::{Target, Targets},
};
