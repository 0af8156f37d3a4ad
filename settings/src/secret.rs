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
            (None, Some(file)) => Self(read(flag, file)?.trim_end_matches(['\n', '\r']).to_owned()),
        };
        if secret.0.is_empty() {
            return Err(ConfigError::new(format!("--{flag}"), "is empty", "give a secret"));
        }
        Ok(Some(secret))
    }

    /// Every secret of a `--FLAG` that may be given several times, and behind them those of the file
    /// of `--FLAG-file`: one a line, where `#` begins a comment.
    ///
    /// # Errors
    /// The file cannot be read, there is a file and yet no secret, or one is empty.
    pub fn load_all(
        flag: &str,
        values: &[Self],
        file: Option<&Path>,
    ) -> Result<Vec<Self>, ConfigError> {
        let mut secrets = values.to_vec();
        if let Some(file) = file {
            let text = read(flag, file)?;
            let lines = text.lines().map(without_comment).filter(|line| !line.is_empty());
            secrets.extend(lines.map(|line| Self(line.to_owned())));
            if secrets.is_empty() {
                let problem = format!("{} holds none", file.display());
                return Err(ConfigError::new(
                    format!("--{flag}-file"),
                    problem,
                    "write one a line",
                ));
            }
        }
        match secrets.iter().any(|secret| secret.0.is_empty()) {
            true => Err(ConfigError::new(format!("--{flag}"), "is empty", "give a secret")),
            false => Ok(secrets),
        }
    }
}

/// A `#` at the beginning or behind a space begins a comment; within a secret it is part of it.
fn without_comment(line: &str) -> &str {
    let comment = line.char_indices().find(|(place, letter)| {
        *letter == '#' && line[..*place].chars().next_back().is_none_or(char::is_whitespace)
    });
    comment.map_or(line, |(place, _)| &line[..place]).trim()
}

/// The text of a file; a byte order mark in front of it is none of it.
fn read(flag: &str, file: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(file).map(|text| match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    });
    text.map_err(|error| {
        let problem = format!("cannot read {}: {error}", file.display());
        ConfigError::new(format!("--{flag}-file"), problem, "name a readable file")
    })
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str, text: &str) -> PathBuf {
        let file = std::env::temp_dir().join(format!("holdfast-{name}-{}", std::process::id()));
        std::fs::write(&file, text).unwrap();
        file
    }

    fn all(values: &[&str], file: Option<&Path>) -> Result<Vec<String>, String> {
        let values: Vec<_> = values.iter().map(|value| Secret((*value).to_owned())).collect();
        match Secret::load_all("link-secret", &values, file) {
            Ok(secrets) => Ok(secrets.into_iter().map(|secret| secret.0).collect()),
            Err(error) => Err(error.key),
        }
    }

    #[test]
    fn several_secrets_come_from_flags_and_then_from_the_file() {
        let file = file("secrets", "\u{feff}# since May\nnew\r\n\n old \t# until May\nwith#1\n");
        let expected = ["first", "second", "new", "old", "with#1"].map(str::to_owned);
        assert_eq!(all(&["first", "second"], Some(&file)), Ok(expected.to_vec()));
        assert_eq!(all(&[], Some(&file)), Ok(expected[2..].to_vec()));
        assert_eq!(all(&["first"], None), Ok(expected[..1].to_vec()));
        assert_eq!(all(&[], None), Ok(Vec::new()));
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn files_without_a_secret_and_empty_ones_name_their_flag() {
        let none = file("no-secrets", "# nothing\n\n");
        assert_eq!(all(&[], Some(&none)), Err("--link-secret-file".into()));
        assert_eq!(all(&["first"], Some(&none)), Ok(vec!["first".into()]));
        std::fs::remove_file(none).unwrap();
        assert_eq!(all(&[], Some(Path::new("/nowhere"))), Err("--link-secret-file".into()));
        assert_eq!(all(&["first", ""], None), Err("--link-secret".into()));
    }
}
