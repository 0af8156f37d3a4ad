//! Keys from the settings and from files.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use settings::{ConfigError, Secret};
use tokens::{Key, Ring, jwks, pem};
use tracing::warn;

use super::url::KeyUrl;
use crate::settings::KeySettings;

/// Longest file with a key that is read; a key set may be as long.
const MAX_FILE_BYTES: u64 = jwks::MAX_SET_BYTES as u64;
/// RFC 7518 section 3.2: a key as long as the hash, or longer.
const LEAST_SECRET_BYTES: usize = 32;

/// Reads every key that does not come from a URL.
///
/// # Errors
/// A file cannot be read, or is not what it should be; a secret is empty.
pub(crate) fn read(settings: &KeySettings) -> Result<Ring, ConfigError> {
    let mut keys = Vec::new();
    let secret = Secret::load(
        "jwt-secret",
        settings.jwt_secret.as_ref(),
        settings.jwt_secret_file.as_deref(),
    )?;
    if let Some(secret) = secret {
        let bytes = secret.expose().len();
        if bytes < LEAST_SECRET_BYTES {
            warn!(bytes, least = LEAST_SECRET_BYTES, "--jwt-secret is short; it can be guessed");
        }
        keys.push(Key::secret(secret.expose().as_bytes()));
    }
    for file in &settings.jwt_public_key {
        keys.push(read_public_key(file)?);
    }
    if let Some(file) = set_file(settings) {
        keys.extend(read_key_set(&file)?);
    }
    Ok(keys.into_iter().collect())
}

/// The files that keys are read from.
pub(crate) fn paths(settings: &KeySettings) -> Vec<PathBuf> {
    let set = set_file(settings);
    let secret = settings.jwt_secret_file.iter();
    secret.chain(&settings.jwt_public_key).cloned().chain(set).collect()
}

fn set_file(settings: &KeySettings) -> Option<PathBuf> {
    settings.jwks.as_deref().filter(|source| !KeyUrl::is_meant(source)).map(PathBuf::from)
}

fn read_public_key(file: &Path) -> Result<Key, ConfigError> {
    let flag = "--jwt-public-key";
    let text = String::from_utf8(read_file(flag, file)?).unwrap_or_default();
    pem::public_key(&text).map_err(|why| {
        let problem = format!("{}: {why}", file.display());
        ConfigError::new(flag, problem, "give a PEM file with one public key")
    })
}

fn read_key_set(file: &Path) -> Result<Vec<Key>, ConfigError> {
    let wrong = |problem: String| {
        ConfigError::new("--jwks", problem, "give a file with a JSON Web Key Set (RFC 7517)")
    };
    let set = usable(&read_file("--jwks", file)?, &file.display().to_string());
    set.map_err(|why| wrong(format!("{}: {why}", file.display())))
}

/// Why a key set is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unusable {
    /// It is none.
    #[error(transparent)]
    Set(#[from] jwks::SetError),
    /// Every entry was passed over.
    #[error("it holds no key that tokens can be checked with")]
    Empty,
}

/// The keys of a set; says in the log which entries are passed over, and why.
///
/// # Errors
/// There is none.
pub(crate) fn usable(json: &[u8], source: &str) -> Result<Vec<Key>, Unusable> {
    let set = jwks::read(json)?;
    for (key, why) in &set.passed_over {
        warn!(key, %why, source, "key passed over");
    }
    match set.keys.is_empty() {
        true => Err(Unusable::Empty),
        false => Ok(set.keys),
    }
}

fn read_file(flag: &str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    let mut bytes = Vec::new();
    let read =
        File::open(file).and_then(|open| open.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    let read = read.and_then(|_| match bytes.len() as u64 > MAX_FILE_BYTES {
        true => Err(io::Error::other(format!("longer than {MAX_FILE_BYTES} bytes"))),
        false => Ok(()),
    });
    read.map(|()| bytes).map_err(|error| {
        let problem = format!("cannot read {}: {error}", file.display());
        ConfigError::new(flag, problem, "name a readable file")
    })
}
