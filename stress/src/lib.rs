//! The load client: opens sessions by the hundred thousand and says what their server did.
//!
//! Its rooms stand in the order of a run, from the top of the house downwards: a module imports
//! only what is declared after it, which `tests/floors.rs` checks.
//!
//! | Room | What happens there |
//! |---|---|
//! | `scenarios` | what is done with the sessions, from the first to the report |
//! | `report` | the record of a run, which can be added to others, and what it says to people |
//! | `fleet` | shares the sessions out to workers, and opens, serves and closes them |
//! | `traffic` | messages through pusher-api, and probes of other traffic |
//! | `measurements` | what is counted and timed, what gateways and kernel say, seen over time |
//! | `session` | one session: its opening bytes, its rules, its socket, how it can fail |
//! | `settings` | flags, and the values they stand for |

mod scenarios;

mod report;

mod fleet;

mod traffic;

mod measurements;

mod session;

mod settings;

use std::process::ExitCode;

pub use crate::settings::Settings;
use crate::{scenarios::Trouble, settings::scenarios::Scenario};

/// What the crate's own benches, fuzz targets and tests reach inside; no promise to anybody else.
#[doc(hidden)]
pub mod internals {
    pub use crate::report::page_of_report;
}

/// Runs a scenario to its end, prints its report on stdout, and says whether all went well: 0 if
/// every session was held and every accepted message arrived, 1 if not, 2 for wrong settings.
pub fn run(settings: Settings) -> ExitCode {
    let result = match settings.scenario {
        Scenario::Worker => return run_worker(),
        Scenario::Idle(idle) => scenarios::idle(&idle),
        Scenario::Push(push) => scenarios::push(&push),
        Scenario::Storm(storm) => scenarios::storm(&storm),
        Scenario::Probe(probe) => scenarios::probe(&probe),
        Scenario::Merge(merge) => scenarios::merge(&merge),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::from(if matches!(trouble, Trouble::Settings(_)) { 2 } else { 1 })
        }
    }
}

fn run_worker() -> ExitCode {
    // Where it cannot be raised, the sessions that find no room say so.
    let _ = limits::descriptors::raise();
    match fleet::worker::run(std::io::stdin(), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: worker: {error}");
            ExitCode::FAILURE
        }
    }
}
