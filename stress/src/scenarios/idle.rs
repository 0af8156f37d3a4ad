//! `stress idle`: opens sessions and holds them.

use std::time::Duration;

use super::{run::Run, trouble::Trouble};
use crate::settings::scenarios::Idle;

const DEFAULT_HOLD: Duration = Duration::from_secs(30);

/// Runs it; whether every session was held to the end.
pub(crate) fn idle(settings: &Idle) -> Result<bool, Trouble> {
    let mut run = Run::start("idle", &settings.sessions, 0)?;
    run.ramp(&settings.sessions);
    run.hold(settings.sessions.hold.unwrap_or(DEFAULT_HOLD));
    run.finish(|_| {})
}
