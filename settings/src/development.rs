//! Development: a process that takes everybody's word, on loopback unless it is told otherwise.

use clap::Args;

use crate::{error::ConfigError, listen::ListenRange};

/// The flags that say that a process is for trying things out.
#[derive(Debug, Clone, Default, Args)]
pub struct DevelopmentArgs {
    /// Ask for no keys, on loopback only, and take no requests that pages of other sites or proxies
    /// send: for trying things out
    #[arg(long)]
    pub development: bool,

    /// Listen beyond loopback in development, too, as in a container whose ports are published on
    /// its host's loopback: whoever else reaches them is let in without keys
    #[arg(long)]
    pub beyond_loopback: bool,

    /// Origin of web pages whose requests are taken: in development besides those of loopback; by a gateway
    /// with keys only these, if any are given (* is all)
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
}

impl DevelopmentArgs {
    /// Checks that a process has what it recognises others by, or is told to do without.
    ///
    /// `keys` names the flag of those that clients or backends are recognised by.
    ///
    /// # Errors
    /// There are neither keys nor a word that anybody may come in; or development could be reached
    /// from other machines.
    pub fn check<'a>(
        &self,
        keys: &str,
        has_keys: bool,
        is_insecure: bool,
        listeners: impl IntoIterator<Item = &'a ListenRange>,
    ) -> Result<(), ConfigError> {
        if self.development {
            return match listeners.into_iter().find(|range| !range.is_loopback()) {
                Some(range) if !self.beyond_loopback => {
                    let problem = format!("{range} can be reached from other machines");
                    let expected = format!(
                        "listen on loopback, or give {keys} instead; in a container whose ports are \
                         published on loopback, give --beyond-loopback, too"
                    );
                    Err(ConfigError::new("--development", problem, expected))
                }
                _ => Ok(()),
            };
        }
        if has_keys || is_insecure {
            return Ok(());
        }
        let problem = "missing, and nothing says that anybody may come in";
        let expected = format!(
            "give {keys}; or --development, for trying things out on loopback; or --insecure"
        );
        Err(ConfigError::new(keys, problem, expected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_keys_or_is_told_to_do_without() {
        let (loopback, open) = ("127.0.0.1:1", "0.0.0.0:7");
        let cases = [
            (false, false, false, loopback, Err("--key")),
            (false, true, false, loopback, Ok(())),
            (false, false, true, loopback, Ok(())),
            (false, false, true, open, Ok(())),
            (true, false, false, loopback, Ok(())),
            (true, true, true, loopback, Ok(())),
            (true, false, false, open, Err("--development")),
            (true, true, true, open, Err("--development")),
        ];
        for (development, has_keys, insecure, listener, expected) in cases {
            let flags = DevelopmentArgs { development, ..DevelopmentArgs::default() };
            let listener = listener.parse::<ListenRange>().unwrap();
            let checked = flags.check("--key", has_keys, insecure, [&listener]);
            let found = checked.as_ref().map_err(|error| error.key.as_str());
            assert_eq!(found.copied(), expected, "{development} {has_keys} {insecure} {listener}");
            if let Err(error) = checked {
                assert!(error.to_string().contains("--key"), "{error}");
            }
        }
    }

    #[test]
    fn development_listens_beyond_loopback_where_it_is_asked_to() {
        let open = "0.0.0.0:7".parse::<ListenRange>().unwrap();
        let anywhere = |development| DevelopmentArgs {
            development,
            beyond_loopback: true,
            ..DevelopmentArgs::default()
        };
        assert!(anywhere(true).check("--key", false, false, [&open]).is_ok());
        let error = anywhere(false).check("--key", false, false, [&open]).unwrap_err();
        assert_eq!(error.key, "--key", "it stands in for no keys by itself");
    }
}
