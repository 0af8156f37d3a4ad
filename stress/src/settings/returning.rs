//! Whether sessions come back that their server has asked to.

use std::time::Duration;

use settings::units;

/// What becomes of sessions whose server asks them to come back.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sessions")]
pub struct Returning {
    /// Have sessions come back that their server asks to (a bye with retry_ms), when it says so, to another target:
    /// the one with the fewest; without it such a session is lost
    #[arg(long = "return")]
    pub returns: bool,
    /// How long one of them may try to come back; those refused try again until then
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = units::positive_duration)]
    pub return_within: Duration,
}
