//! Where messages are pushed to, and which.

use std::{path::PathBuf, time::Duration};

use clap::builder::RangedU64ValueParser;
use settings::{ConfigError, Endpoint, Secret, units};

use super::phases::{Mode, Recipients, Step};

/// A pusher-api that may be left out.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Pushes")]
pub struct Api {
    /// Where pusher-api takes pushes; a port range stands for several [default: none]
    #[arg(long, value_name = "URL")]
    pub api: Option<Endpoint>,
    /// The key it asks for.
    #[command(flatten)]
    pub key: ApiKey,
}

/// What pusher-api asks of a backend.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Pushes")]
pub struct ApiKey {
    /// The key pusher-api asks for [default: none, development]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<Secret>,
    /// File with the key pusher-api asks for
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
}

impl ApiKey {
    /// The key, if one is given.
    ///
    /// # Errors
    /// It is given twice, or its file cannot be read.
    pub fn load(&self) -> Result<Option<String>, ConfigError> {
        let key = Secret::load("api-key", self.api_key.as_ref(), self.api_key_file.as_deref())?;
        Ok(key.map(|key| key.expose().to_owned()))
    }
}

/// Which messages to push, and how.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Pushes")]
pub struct Pushes {
    /// Where pusher-api takes pushes; a port range stands for several
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    pub api: Endpoint,
    /// The key it asks for.
    #[command(flatten)]
    pub key: ApiKey,
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
    /// Size of a message's data, at least 96B
    #[arg(long, value_name = "SIZE", default_value = "100B", value_parser = units::size)]
    pub payload: usize,
    /// Whom messages are for
    #[arg(long, value_enum, default_value = "random")]
    pub push_to: Recipients,
    /// Push in several ways with the same sessions, one after another and each once:
    /// hold:DURATION, batch:N, single:N, rate:PER_SECOND:DURATION, all:N,
    /// topic:N (repeatable)
    #[arg(long = "phase", value_name = "PHASE", conflicts_with_all = ["push_rate", "push_total", "push_for", "push_mode", "push_to"])]
    pub phases: Vec<Step>,
}
