//! A set of public keys (RFC 7517, RFC 7518 section 6, RFC 8037 section 2).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

use crate::{
    algorithm::Algorithm,
    key::{InvalidKey, Key},
};

/// The longest set that is read.
pub const MAX_SET_BYTES: usize = 256 * 1024;
/// The most entries of a set.
pub const MAX_SET_KEYS: usize = 256;

/// The keys of a set that tokens can be checked with, and the other entries.
#[derive(Debug, Default)]
pub struct KeySet {
    /// Those that can be used.
    pub keys: Vec<Key>,
    /// Those that are passed over, each by its place or `kid`, with the reason.
    pub passed_over: Vec<(String, PassedOver)>,
}

/// Why a text is no set at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// More than [`MAX_SET_BYTES`].
    #[error("it is longer than {MAX_SET_BYTES} bytes")]
    TooLong,
    /// Not a JSON object with an array `keys`.
    #[error("it is not a JSON Web Key Set: an object with an array named keys (RFC 7517)")]
    NotASet,
    /// More than [`MAX_SET_KEYS`].
    #[error("it holds more than {MAX_SET_KEYS} keys")]
    TooMany,
}

/// Why an entry is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassedOver {
    /// Not a JSON object with a `kty`, or with members of wrong types.
    #[error("it is no JSON Web Key")]
    NotAKey,
    /// `oct`.
    #[error("it is a symmetric key, which no set of public keys may hold")]
    Symmetric,
    /// With a `d`.
    #[error("it is a private key, which belongs only where tokens are signed")]
    Private,
    /// `use` is there and not `sig`.
    #[error("it is not for signatures (use)")]
    Use,
    /// `key_ops` is there without `verify`.
    #[error("it is not for verifying (key_ops)")]
    Operations,
    /// `alg` is there and not the one that its kind is taken for.
    #[error("it is for an algorithm that is not taken here (alg)")]
    Algorithm,
    /// Another curve, a kind that is not taken, or numbers that are no key.
    #[error("{0}")]
    Key(#[from] InvalidKey),
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Entry {
    kty: String,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<IgnoredAny>,
}

/// Reads a set. A byte order mark is passed over.
///
/// # Errors
/// It is no set; an entry that cannot be used is only passed over.
pub fn read(json: &[u8]) -> Result<KeySet, SetError> {
    if json.len() > MAX_SET_BYTES {
        return Err(SetError::TooLong);
    }
    let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
    let set: Set = serde_json::from_slice(json).map_err(|_| SetError::NotASet)?;
    if set.keys.len() > MAX_SET_KEYS {
        return Err(SetError::TooMany);
    }
    let mut found = KeySet::default();
    for (index, entry) in set.keys.iter().enumerate() {
        match key_of(entry) {
            Ok(key) => found.keys.push(key),
            Err(why) => found.passed_over.push((name_of(entry, index), why)),
        }
    }
    Ok(found)
}

/// How an entry is called in a log line.
fn name_of(entry: &Value, index: usize) -> String {
    match entry.get("kid").and_then(Value::as_str) {
        Some(id) => id.chars().take(64).collect(),
        None => format!("number {}", index + 1),
    }
}

fn key_of(entry: &Value) -> Result<Key, PassedOver> {
    let entry = Entry::deserialize(entry).map_err(|_| PassedOver::NotAKey)?;
    if entry.kty == "oct" {
        return Err(PassedOver::Symmetric);
    }
    if entry.d.is_some() {
        return Err(PassedOver::Private);
    }
    if entry.r#use.as_ref().is_some_and(|purpose| purpose != "sig") {
        return Err(PassedOver::Use);
    }
    let verifies = |operations: &Vec<String>| operations.iter().any(|one| one == "verify");
    if entry.key_ops.as_ref().is_some_and(|operations| !verifies(operations)) {
        return Err(PassedOver::Operations);
    }
    let mut key = entry.key()?;
    let named = entry.alg.as_deref().map(Algorithm::named);
    if named.is_some_and(|named| named != Some(key.algorithm())) {
        return Err(PassedOver::Algorithm);
    }
    key.id = entry.kid;
    Ok(key)
}

impl Entry {
    /// The key, by its kind and curve.
    fn key(&self) -> Result<Key, PassedOver> {
        Ok(match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => Key::from_rsa_numbers(&bytes(&self.n)?, &bytes(&self.e)?)?,
            ("EC", Some("P-256")) => {
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                // Each is as long as the curve's numbers (RFC 7518 section 6.2.1.2).
                if x.len() != 32 || y.len() != 32 {
                    return Err(InvalidKey::Point.into());
                }
                Key::from_point(&[&[4], &x[..], &y[..]].concat())?
            }
            ("OKP", Some("Ed25519")) => Key::from_ed25519(&bytes(&self.x)?)?,
            ("EC", Some(_)) => return Err(InvalidKey::Curve.into()),
            _ => return Err(InvalidKey::Kind.into()),
        })
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, InvalidKey> {
    let text = member.as_deref().ok_or(InvalidKey::Damaged)?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey::Damaged)
}

#[cfg(test)]
mod tests;
