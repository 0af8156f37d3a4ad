//! What the command line says.

use std::{path::PathBuf, time::Duration};

use clap::builder::RangedU64ValueParser;
use protocol::Device;
use settings::{Endpoint, Secret, logging::CommonArgs, units};

use super::{Mode, Recipients, Sources, Step};

/// The load client: opens many sessions and measures what their server does.
#[derive(Debug, Clone, clap::Args)]
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
}

/// Flags of `stress push`.
#[derive(Debug, Clone, clap::Args)]
pub struct Push {
    /// The sessions.
    #[command(flatten)]
    pub sessions: Sessions,
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
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub drop: Option<u32>,
    /// Over how long to drop them; 0s is all at once
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = units::duration)]
    pub drop_over: Duration,
    /// How long after the drop memory is read again and the sessions come back
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = units::duration)]
    pub settle: Duration,
    /// How long the sessions may take to come back; those refused try again until then
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = units::positive_duration)]
    pub reopen_timeout: Duration,
    /// Where pusher-api takes pushes to the other sessions [default: none, no pushes]
    #[command(flatten)]
    pub api: Api,
    /// Messages per second to the other sessions
    #[arg(long, default_value_t = 200, value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub push_rate: u32,
}

/// Flags of `stress probe`.
#[derive(Debug, Clone, clap::Args)]
pub struct Probe {
    /// The sessions.
    #[command(flatten)]
    pub sessions: Sessions,
    /// Probes of each kind per second
    #[arg(long, default_value_t = 10, value_parser = RangedU64ValueParser::<u32>::new().range(1..=10_000))]
    pub probe_rate: u32,
    /// How long a probe may take; it counts as lost then
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = units::positive_duration)]
    pub probe_timeout: Duration,
    /// Where pusher-api takes pushes, for --broadcast-every; it is probed, too
    #[command(flatten)]
    pub api: Api,
    /// How often everybody gets a message through --api [default: never]
    #[arg(long, value_name = "DURATION", value_parser = units::positive_duration, requires = "api")]
    pub broadcast_every: Option<Duration>,
}

/// A pusher-api that may be left out.
#[derive(Debug, Clone, clap::Args)]
pub struct Api {
    /// Where pusher-api takes pushes; a port range stands for several [default: none]
    #[arg(long, value_name = "URL")]
    pub api: Option<Endpoint>,
    /// The key pusher-api asks for [default: none, development]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<Secret>,
    /// File with the key pusher-api asks for
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}

/// Flags of `stress merge`.
#[derive(Debug, Clone, clap::Args)]
pub struct Merge {
    /// Reports of several runs or hosts, written with --json
    #[arg(required = true, value_name = "FILE")]
    pub reports: Vec<PathBuf>,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
    /// Configuration file and logs.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Where a report goes besides stdout.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Output {
    /// Write the report there as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report there as a page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// What is watched besides the sessions.
#[derive(Debug, Clone, clap::Args)]
pub struct Watching {
    /// Operators' ports of the gateways, like http://127.0.0.1:8082, to sample their sessions and
    /// memory; a port range stands for several (repeatable)
    #[arg(long, value_name = "URL")]
    pub operators: Vec<Endpoint>,
    /// How often gateways, kernel and client are sampled
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = sample_interval)]
    pub sample: Duration,
}

fn sample_interval(text: &str) -> Result<Duration, String> {
    match units::duration(text)? {
        short if short < Duration::from_millis(100) => Err("must be 100ms or longer".into()),
        long => Ok(long),
    }
}

/// Which sessions to open, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Sessions {
    /// Where to connect, like ws://127.0.0.1:8080 or tcp://host:8100-8199 (repeatable); {user} in a
    /// path stands for the session's user id
    #[arg(long = "target", value_name = "URL", default_value = "ws://127.0.0.1:8080")]
    pub targets: Vec<Endpoint>,
    /// How many sessions to open
    #[arg(long, default_value_t = 1000, value_parser = RangedU64ValueParser::<u32>::new().range(1..))]
    pub sessions: u32,
    /// Sessions opened per second; 0 is as fast as possible
    #[arg(long, default_value_t = 0)]
    pub rate: u32,
    /// Addresses to connect from, like 127.0.0.2-127.0.0.33 [default: the system's choice]
    #[arg(long, value_name = "IP[-IP]")]
    pub sources: Option<Sources>,
    /// How long to hold once all are open (push: after the last message) [default: 30s, push: 0s,
    /// storm: 5s]
    #[arg(long, value_name = "DURATION", value_parser = units::duration)]
    pub hold: Option<Duration>,
    /// Processes that share the work [default: as many as the hard RLIMIT_NOFILE makes necessary]
    #[arg(long, value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub processes: Option<u32>,
    /// Handshakes under way at once in each process
    #[arg(long, default_value_t = 512, value_parser = RangedU64ValueParser::<u32>::new().range(1..=65_535))]
    pub concurrency: u32,
    /// How long a session may take to open
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = units::positive_duration)]
    pub connect_timeout: Duration,
    /// Count a session as held once its transport is open, for servers that send no hello
    #[arg(long)]
    pub no_hello: bool,
    /// How often a session that is refused or fails to open is tried again, after growing pauses
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub retry: u32,
    /// Send one message after opening and wait until it has come back: for echo targets, like
    /// ws://127.0.0.1:8100-8199/v1/echo with --no-hello
    #[arg(long)]
    pub echo_once: bool,
    /// Secret that signs a token per session (HS256) [default: none, development]
    #[arg(long, value_name = "SECRET")]
    pub token_secret: Option<Secret>,
    /// File with the secret that signs a token per session
    #[arg(long, value_name = "FILE")]
    pub token_secret_file: Option<PathBuf>,
    /// User ids are this and a number from 0
    #[arg(long, value_name = "TEXT", default_value = "u")]
    pub user_prefix: String,
    /// The device in the tokens
    #[arg(long, value_name = "NAME", default_value = "d")]
    pub device: Device,
    /// What is watched.
    #[command(flatten)]
    pub watching: Watching,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
    /// Configuration file and logs.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Which messages to push, and how.
#[derive(Debug, Clone, clap::Args)]
pub struct Pushes {
    /// Where pusher-api takes pushes; a port range stands for several
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    pub api: Endpoint,
    /// The key pusher-api asks for [default: none, development]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<Secret>,
    /// File with the key pusher-api asks for
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// Messages per second; 0 is as fast as possible
    #[arg(long, default_value_t = 0)]
    pub push_rate: u32,
    /// How many messages to push
    #[arg(long, value_name = "N", conflicts_with = "push_for", value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    pub push_total: Option<u64>,
    /// How long to push [default: 20s, unless --push-total is given]
    #[arg(long, value_name = "DURATION", value_parser = units::positive_duration)]
    pub push_for: Option<Duration>,
    /// How messages travel to pusher-api
    #[arg(long, value_enum, default_value = "batch")]
    pub push_mode: Mode,
    /// Connections to pusher-api, each with one request under way [default: batch 4, single 64]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<u32>::new().range(1..=1000))]
    pub push_connections: Option<u32>,
    /// Most messages in a request of batch mode
    #[arg(long, default_value_t = 500, value_parser = RangedU64ValueParser::<u32>::new().range(1..=100_000))]
    pub batch_size: u32,
    /// Size of a message's data, at least 64B
    #[arg(long, value_name = "SIZE", default_value = "100B", value_parser = units::size)]
    pub payload: usize,
    /// Whom messages are for
    #[arg(long, value_enum, default_value = "random")]
    pub push_to: Recipients,
    /// Push in several ways with the same sessions, one after another and each once:
    /// hold:DURATION, batch:N, single:N, rate:PER_SECOND:DURATION, all:N (repeatable)
    #[arg(long = "phase", value_name = "PHASE", conflicts_with_all = ["push_rate", "push_total", "push_for", "push_mode", "push_to"])]
    pub phases: Vec<Step>,
}
