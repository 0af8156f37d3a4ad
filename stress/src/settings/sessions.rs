//! Which sessions to open.

use std::{path::PathBuf, time::Duration};

use clap::builder::RangedU64ValueParser;
use protocol::{Device, Topic};
use settings::{Endpoint, Secret, logging::CommonArgs, units};

use super::{
    output::{Output, Watching},
    sources::Sources,
    tls::SessionsTls,
    tolerance::Tolerance,
    waits::Waits,
};

/// Which sessions to open, and how.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Sessions")]
pub struct Sessions {
    /// Where to connect, like ws://127.0.0.1:8080, tcp://host:8100-8199 or, for server-sent events,
    /// http://host:8080/v1/sse, for long polls http://host:8080/v1/poll; inside TLS wss://, tcps:// and
    /// https:// (repeatable); {user} in a path stands for the session's user id
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
    /// Answer the pings of server-sent events by posting pongs, each on a connection of its own, as clients
    /// do that want to be held to it; without it sessions are silent, as those of EventSource are
    #[arg(long)]
    pub post_pongs: bool,
    /// How long each request of a long poll may wait for something new; a range gives each its own
    #[arg(long, value_name = "DURATION[-DURATION]", default_value = "30s-90s")]
    pub poll_wait: Waits,
    /// Secret that signs a token per session (HS256) [default: none, development]
    #[arg(long, value_name = "SECRET")]
    pub token_secret: Option<Secret>,
    /// File with the secret that signs a token per session
    #[arg(long, value_name = "FILE")]
    pub token_secret_file: Option<PathBuf>,
    /// File with the private key (PEM) that signs a token per session instead, whose public key the
    /// gateway has
    #[arg(long, value_name = "FILE")]
    pub token_private_key: Option<PathBuf>,
    /// User ids are this and a number from 0
    #[arg(long, value_name = "TEXT", default_value = "u")]
    pub user_prefix: String,
    /// The device in the tokens
    #[arg(long, value_name = "NAME", default_value = "d")]
    pub device: Device,
    /// Topic in the tokens, for messages to it (--push-to topic)
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<Topic>,
    /// How long a session may take to answer when it is asked in the end whether its server is there;
    /// 0s asks nobody, for servers that do not answer pings
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = units::duration)]
    pub answer_within: Duration,
    /// Inside TLS.
    #[command(flatten)]
    pub tls: SessionsTls,
    /// What is forgiven.
    #[command(flatten)]
    pub tolerance: Tolerance,
    /// What is watched.
    #[command(flatten)]
    pub watching: Watching,
    /// Where the report goes.
    #[command(flatten)]
    pub output: Output,
    /// Configuration file and logs.
    #[command(flatten, next_help_heading = "Configuration and logs")]
    pub common: CommonArgs,
}
