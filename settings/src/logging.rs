//! Logs: `tracing` events on stderr, as text or JSON lines.

use std::io::IsTerminal;

use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

use crate::ConfigError;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The flags that every long-running command shares.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CommonArgs {
    /// TOML file with a key for any flag of this command
    #[arg(long, value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// What is logged, like `info` or `warn,gateway=debug` [default: $RUST_LOG, then info]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

/// Sends this process's logs to stderr.
///
/// # Errors
/// The filter cannot be understood.
pub fn init(args: &CommonArgs) -> Result<(), ConfigError> {
    let filter = args.log.clone().or_else(|| std::env::var("RUST_LOG").ok());
    let filter = filter.unwrap_or_else(|| "info".into());
    let filter: Targets = filter.parse().map_err(|error| {
        let problem = format!("{filter:?}: {error}");
        ConfigError::new("--log", problem, "write a filter like info or warn,gateway=debug")
    })?;
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let logs = tracing_subscriber::registry().with(filter);
    // A second call in one process (tests) keeps the first subscriber.
    let _ = match args.log_format {
        LogFormat::Text => logs.with(lines).try_init(),
        LogFormat::Json => logs.with(lines.json()).try_init(),
    };
    Ok(())
}
