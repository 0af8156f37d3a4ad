//! What the command line says.

use std::{path::PathBuf, time::Duration};

use clap::builder::RangedU64ValueParser;
use settings::{logging::CommonArgs, units};

use super::{
    output::Output,
    pushes::{Api, Pushes},
    returning::Returning,
    sessions::Sessions,
};

const AFTER_HELP: &str = "\
`holdfast stress SCENARIO --help` shows every flag with its environment variable, its key in the
file of --config, its default and its unit.

Exit code 0: every session was held and every message arrived where it had to, in order, once.
1: something was not as it should be; the report names it. 2: wrong settings.";

/// The load client: opens many sessions and measures what their server does.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Settings {
    /// What the sessions are opened for.
    #[command(subcommand)]
    pub scenario: Scenario,
}

/// What the sessions are opened for.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Scenario {
    /// Open sessions and hold them
    Idle(Box<Idle>),
    /// Open sessions and push to them through pusher-api
    Push(Box<Push>),
    /// Drop many sessions at once and let them come back, while the others get messages
    Storm(Box<Storm>),
    /// Measure whether other traffic suffers while sessions are opened and held
    Probe(Box<Probe>),
    /// Make one report of several
    Merge(Merge),
    /// Hold a share of another process's sessions
    #[command(hide = true)]
    Worker,
}

/// Flags of `stress idle`.
#[derive(Debug, Clone, clap::Args)]
pub struct Idle {
    /// The sessions.
    #[command(flatten)]
    pub sessions: Sessions,
    /// Whether they come back.
    #[command(flatten)]
    pub returning: Returning,
}

/// Flags of `stress push`.
#[derive(Debug, Clone, clap::Args)]
pub struct Push {
    /// The sessions.
    #[command(flatten)]
    pub sessions: Sessions,
    /// Whether they come back.
    #[command(flatten)]
    pub returning: Returning,
    /// The pushes.
    #[command(flatten)]
    pub pushes: Pushes,
}

/// Flags of `stress storm`.
#[derive(Debug, Clone, clap::Args)]
pub struct Storm {
    /// The sessions.
    #[command(flatten)]
    pub sessions: Sessions,
    /// How many sessions to drop [default: a third of them]
    #[arg(long, value_name = "N", help_heading = "Storm", value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub drop: Option<u32>,
    /// Over how long to drop them; 0s is all at once
    #[arg(long, value_name = "DURATION", help_heading = "Storm", default_value = "0s", value_parser = units::duration)]
    pub drop_over: Duration,
    /// How long after the drop memory is read again and the sessions come back
    #[arg(long, value_name = "DURATION", help_heading = "Storm", default_value = "30s", value_parser = units::duration)]
    pub settle: Duration,
    /// How long the sessions may take to come back; those refused try again until then
    #[arg(long, value_name = "DURATION", help_heading = "Storm", default_value = "60s", value_parser = units::positive_duration)]
    pub reopen_timeout: Duration,
    /// Where pusher-api takes pushes to the other sessions [default: none, no pushes]
    #[command(flatten)]
    pub api: Api,
    /// Messages per second to the other sessions
    #[arg(long, help_heading = "Pushes", default_value_t = 200, value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub push_rate: u32,
}

/// Flags of `stress probe`.
#[derive(Debug, Clone, clap::Args)]
pub struct Probe {
    /// The sessions.
    #[command(flatten)]
    pub sessions: Sessions,
    /// Probes of each kind per second
    #[arg(long, help_heading = "Probes", default_value_t = 10, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    pub probe_rate: u32,
    /// How long a probe may take; it counts as lost then
    #[arg(long, value_name = "DURATION", help_heading = "Probes", default_value = "1s", value_parser = units::positive_duration)]
    pub probe_timeout: Duration,
    /// Where pusher-api takes pushes, for --broadcast-every; it is probed, too
    #[command(flatten)]
    pub api: Api,
    /// How often everybody gets a message through --api [default: never]
    #[arg(long, value_name = "DURATION", help_heading = "Pushes", value_parser = units::positive_duration, requires = "api")]
    pub broadcast_every: Option<Duration>,
}

/// Flags of `stress merge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Merge {
    /// Reports of several runs or hosts, written with --json; of a log, the lines that --json - wrote
    #[arg(required = true, value_name = "FILE")]
    pub reports: Vec<PathBuf>,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
    /// Configuration file and logs.
    #[command(flatten, next_help_heading = "Configuration and logs")]
    pub common: CommonArgs,
}
