//! Secrets: given as a value or, so that none has to stand on a command line, as a file.

use std::{convert::Infallible, fmt, path::Path, str::FromStr};

use crate::ConfigError;

/// A secret text; it never shows up in logs or errors.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for comparing and signing only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The secret from `--FLAG` or from the file of `--FLAG-file`, without its last line break.
    ///
    /// # Errors
    /// Both were given, the file cannot be read, or the secret is empty.
    pub fn load(
        flag: &str,
        value: Option<&Self>,
        file: Option<&Path>,
    ) -> Result<Option<Self>, ConfigError> {
        let secret = match (value, file) {
            (Some(_), Some(_)) => {
                let problem = format!("given together with --{flag}-file");
                return Err(ConfigError::new(format!("--{flag}"), problem, "give one of them"));
            }
            (None, None) => return Ok(None),
            (Some(value), None) => value.clone(),
            (None, Some(file)) => Self::read(flag, file)?,
        };
        if secret.0.is_empty() {
            return Err(ConfigError::new(format!("--{flag}"), "is empty", "give a secret"));
        }
        Ok(Some(secret))
    }

    fn read(flag: &str, file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let problem = format!("cannot read {}: {error}", file.display());
            ConfigError::new(format!("--{flag}-file"), problem, "name a readable file")
        })?;
        Ok(Self(text.trim_end_matches(['\n', '\r']).to_owned()))
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
