//! What is watched during a run, and where its report goes.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use settings::{Endpoint, units};

/// Where a report goes besides stdout.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Report")]
pub struct Output {
    /// Write the report there as JSON; `-` is a line of stdout, behind the report as text
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write the report there as a page with plots
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Whether a file stands for stdout.
pub(crate) fn is_stdout(file: &Path) -> bool {
    file == Path::new("-")
}

/// What is watched besides the sessions.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Watching")]
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
