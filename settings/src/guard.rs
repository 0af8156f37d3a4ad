//! What guards a listener that other machines can reach.

use std::path::PathBuf;

use clap::Args;

use crate::{error::ConfigError, listen::ListenRange, secret::Secret};

/// The flags of the secret that the two ends of a link share.
#[derive(Debug, Clone, Default, Args)]
pub struct LinkSecretArgs {
    /// Secret between gateways and pusher-apis; of several a gateway takes each, and pusher-api
    /// shows the first
    #[arg(long, value_name = "SECRET")]
    pub link_secret: Vec<Secret>,

    /// File with such secrets, one a line; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    pub link_secret_file: Option<PathBuf>,
}

impl LinkSecretArgs {
    /// Every secret, in the order of the flags and then of the file; none where none is asked for.
    ///
    /// # Errors
    /// The file cannot be read, or a secret is empty.
    pub fn load(&self) -> Result<Vec<Secret>, ConfigError> {
        Secret::load_all("link-secret", &self.link_secret, self.link_secret_file.as_deref())
    }

    /// Whether there is one.
    pub fn is_given(&self) -> bool {
        !self.link_secret.is_empty() || self.link_secret_file.is_some()
    }
}

/// Refuses listeners that other machines can reach and that nothing guards; `flag` is what would.
///
/// # Errors
/// Names the flag and the listener.
pub fn require_guard<'a>(
    flag: &str,
    is_guarded: bool,
    listeners: impl IntoIterator<Item = &'a ListenRange>,
) -> Result<(), ConfigError> {
    match listeners.into_iter().find(|range| !range.is_loopback()) {
        Some(range) if !is_guarded => {
            let problem = format!("missing, although {range} can be reached from other machines");
            let expected = format!("give {flag}, listen on loopback, or pass --insecure");
            Err(ConfigError::new(flag, problem, expected))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_can_reach_needs_a_guard() {
        let ranges = |texts: &[&str]| -> Vec<ListenRange> {
            texts.iter().map(|text| text.parse().expect(text)).collect()
        };
        let cases: [(&[&str], bool, bool); 5] = [
            (&["127.0.0.1:1", "[::1]:1"], false, true),
            (&["127.0.0.1:1", "0.0.0.0:7"], false, false),
            (&["0.0.0.0:7"], true, true),
            (&["[::]:7"], false, false),
            (&[], false, true),
        ];
        for (listeners, guarded, fine) in cases {
            let checked = require_guard("--key", guarded, &ranges(listeners));
            assert_eq!(checked.is_ok(), fine, "{listeners:?} {guarded}");
            if let Err(error) = checked {
                assert_eq!(error.key, "--key");
                assert!(error.to_string().contains(":7 can be reached"), "{error}");
            }
        }
    }
}
