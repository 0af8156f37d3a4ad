//! A token taken apart; nothing of it is believed yet.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use crate::{
    algorithm::Algorithm,
    refusal::{MAX_TOKEN_BYTES, Refusal},
};

/// A header in base64url: its few members, and certificates that some put there, too.
const MAX_HEADER_BYTES: usize = 8 * 1024;

/// The parts of a token (RFC 7515 section 3.1).
#[derive(Debug)]
pub struct Token<'a> {
    /// How it says it is signed.
    pub algorithm: Algorithm,
    /// The `kid` of the key it says it is signed with.
    pub key_id: Option<String>,
    /// What the signature is over.
    pub(crate) signed: &'a str,
    pub(crate) signature: Vec<u8>,
    claims: &'a str,
}

/// Members a token may have are ignored, those that say how it is checked are not; none may be there
/// twice.
#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    kid: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// Whether the member is there, whatever it holds.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It has not the form of a token, or is of a kind that is not taken.
    pub fn parse(text: &'a str) -> Result<Self, Refusal> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Refusal::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Refusal::Malformed)?;
        if claims.contains('.') {
            return Err(Refusal::Malformed);
        }
        if header.len() > MAX_HEADER_BYTES {
            return Err(Refusal::Header);
        }
        let header = decode(header)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Refusal::Header)?;
        let algorithm = Algorithm::named(&header.alg).ok_or(Refusal::Algorithm)?;
        if header.crit {
            return Err(Refusal::Critical);
        }
        let signature = decode(signature)?;
        Ok(Self { algorithm, key_id: header.kid, signed, signature, claims })
    }

    /// What the token says, for one who has checked the signature.
    ///
    /// # Errors
    /// The part is not base64url.
    pub fn claims(&self) -> Result<Vec<u8>, Refusal> {
        decode(self.claims)
    }
}

fn decode(part: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::Malformed)
}
