//! The load client: opens sessions by the hundred thousand and says what their server did.
//!
//! [`settings`] are checked and shared out by [`plan`]; [`fleet`] starts a [`worker`] per share and
//! talks to it in the lines of [`wire`]. A worker's `socket`s feed `session`s, whose bytes `opening`,
//! `handshake` and `websocket` write and read and `scan` looks into; what happens goes into a
//! `tally`, by `distribution` and [`failure`]. [`scenarios`] say what is done with the sessions,
//! [`pusher`] sends messages through pusher-api, [`prober`] measures other traffic, [`watch`] asks
//! the gateways and [`machine`] the kernel for their memory, kept as a [`timeline`]. [`display`]
//! shows progress; the [`record`] of a run can be added to others, and [`report`] makes sense of it.

pub mod settings;

mod clock;
mod sources;
mod target;

mod pace;
mod plan;

mod fleet;
mod wire;
mod worker;

mod handshake;
mod opening;
mod scan;
mod session;
mod socket;
mod websocket;

mod distribution;
mod failure;
mod tally;

mod phases;
mod prober;
mod pusher;
mod scenarios;

mod machine;
mod timeline;
mod watch;

mod display;
mod record;
mod report;
mod storm;

use std::process::ExitCode;

pub use crate::settings::Settings;
use crate::{scenarios::Trouble, settings::Scenario};

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

/// The page that `stress merge --html` makes of the bytes of one report, merged with itself.
///
/// # Errors
/// Names the field that is wrong.
pub fn page_of_report(bytes: &[u8]) -> Result<String, String> {
    let mut record = record::Record::from_report(bytes)?;
    record.merge(record.clone());
    let report = report::Report::new(&record);
    Ok(report.page())
}

fn run_worker() -> ExitCode {
    raise_descriptor_limit();
    match worker::run(std::io::stdin(), std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: worker: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Raises the soft limit to the hard one and says what it is now.
fn raise_descriptor_limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024)
}
