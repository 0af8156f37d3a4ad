//! The flags of what is kept.

use std::{path::PathBuf, time::Duration};

use clap::{Args, builder::RangedU64ValueParser, value_parser};
use settings::{ConfigError, units};
use store::sqlite;

/// Below this, the largest payload would not fit into a log.
const LEAST_BYTES: usize = 128 * 1024;
/// Beyond this, nobody means what they wrote.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What pushes with a `ttl` are kept in, and how much of them.
#[derive(Debug, Clone, Args)]
pub struct KeptArgs {
    /// Directory of the file that pushes with a ttl are kept in; the pusher-apis of a machine share it.
    /// Without it such pushes get 501
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Most messages kept for a user; beyond them the oldest go
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one())]
    pub kept_per_user: u64,
    /// Most bytes of payloads kept for a user; beyond them the oldest messages go
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "1MiB")]
    pub kept_bytes_per_user: usize,
    /// Most messages kept of a topic; beyond them the oldest go
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = at_least_one())]
    pub kept_per_topic: u64,
    /// Most bytes of payloads kept of a topic; beyond them the oldest messages go
    #[arg(long, value_name = "SIZE", value_parser = units::size, default_value = "8MiB")]
    pub kept_bytes_per_topic: usize,
    /// Most bytes of payloads kept in all; beyond them pushes with a ttl get 507 [default: until a
    /// tenth of the disk is left]
    #[arg(long, value_name = "SIZE", value_parser = units::size)]
    pub kept_bytes: Option<usize>,
    /// Most topics that something is kept of; a push with a ttl to another one gets 507
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = at_least_one())]
    pub topics_kept: u64,
    /// How long after its last session a device still has to acknowledge what is kept for its user
    #[arg(long, value_name = "DURATION", value_parser = units::positive_duration, default_value = "28d")]
    pub device_kept: Duration,
    /// Most devices of a user that have to acknowledge; beyond them the one seen longest ago goes
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = value_parser!(u16).range(1..))]
    pub devices_per_user: u16,
}

fn at_least_one() -> RangedU64ValueParser<u64> {
    value_parser!(u64).range(1..=u64::from(u32::MAX))
}

impl KeptArgs {
    /// Checks what the parsers of single flags cannot see.
    ///
    /// # Errors
    /// Names the flag that is wrong.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("--kept-bytes-per-user", Some(self.kept_bytes_per_user)),
            ("--kept-bytes-per-topic", Some(self.kept_bytes_per_topic)),
            ("--kept-bytes", self.kept_bytes),
        ];
        for (flag, size) in sizes {
            if let Some(size) = size.filter(|size| *size < LEAST_BYTES) {
                let problem = format!("{size} bytes cannot hold a large push");
                return Err(ConfigError::new(flag, problem, "give at least 128KiB"));
            }
        }
        if self.device_kept > LONGEST {
            let problem = format!("{} is too long", units::show(self.device_kept));
            return Err(ConfigError::new("--device-kept", problem, "give at most 3650d"));
        }
        match &self.data {
            Some(data) if data.as_os_str().is_empty() => {
                let expected = "name a directory, like /var/lib/holdfast";
                Err(ConfigError::new("--data", "names no directory", expected))
            }
            _ => Ok(()),
        }
    }

    /// The same as the store takes it, if there is to be one.
    pub(crate) fn of_sqlite(&self) -> Option<sqlite::Settings> {
        Some(sqlite::Settings {
            kept_per_user: self.kept_per_user,
            kept_bytes_per_user: self.kept_bytes_per_user as u64,
            kept_per_topic: self.kept_per_topic,
            kept_bytes_per_topic: self.kept_bytes_per_topic as u64,
            kept_bytes: self.kept_bytes.map(|bytes| bytes as u64),
            topics_kept: self.topics_kept,
            device_kept: self.device_kept,
            devices_per_user: usize::from(self.devices_per_user),
            ..sqlite::Settings::new(self.data.as_ref()?)
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    fn parsed(flags: &[&str]) -> Result<KeptArgs, String> {
        let command = KeptArgs::augment_args(clap::Command::new("kept"));
        let flags = std::iter::once("kept").chain(flags.iter().copied());
        let matches = command.try_get_matches_from(flags).map_err(|error| error.to_string())?;
        let args = KeptArgs::from_arg_matches(&matches).expect("every flag has a default");
        args.validate().map(|()| args).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_what_is_promised() {
        let args = parsed(&["--data=/d"]).expect("valid");
        let (found, usual) = (args.of_sqlite().expect("a store"), sqlite::Settings::new("/d"));
        assert_eq!(format!("{found:?}"), format!("{usual:?}"));
        assert!(parsed(&[]).expect("valid").of_sqlite().is_none());
    }

    #[test]
    fn wrong_values_name_their_flag() {
        for flag in [
            "--data=",
            "--kept-per-user=0",
            "--kept-bytes-per-user=1KiB",
            "--kept-per-topic=0",
            "--kept-bytes-per-topic=lots",
            "--kept-bytes=127KiB",
            "--topics-kept=0",
            "--device-kept=0s",
            "--device-kept=4000d",
            "--devices-per-user=0",
        ] {
            let error = parsed(&[flag]).expect_err(flag);
            assert!(error.contains(flag.split('=').next().expect("a name")), "{error}");
        }
    }
}
