//! `stress idle`: opens sessions and holds them.

use std::time::Duration;

use super::{returning::returns, run::Run, trouble::Trouble};
use crate::{fleet::plan::Course, settings::scenarios::Idle};

const DEFAULT_HOLD: Duration = Duration::from_secs(30);

/// Runs it; whether every session was held to the end.
pub(crate) fn idle(settings: &Idle) -> Result<bool, Trouble> {
    let course = Course { returns: returns(&settings.returning, false), ..Course::default() };
    let mut run = Run::start("idle", &settings.sessions, course)?;
    run.ramp(&settings.sessions);
    run.hold(settings.sessions.hold.unwrap_or(DEFAULT_HOLD));
    run.finish(|_| {})
}
