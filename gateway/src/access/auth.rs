//! Who a client is: the claims of its JWT (RFC 7519), checked against the configured keys.

use std::{fs, path::Path};

use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm},
};
use protocol::{Device, Topic, UserId, claims::Claims};
use settings::{ConfigError, Secret};

use crate::settings::Settings;

/// An authenticated client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The `sub` claim.
    pub user: UserId,
    /// The `device` claim.
    pub device: Option<Device>,
    /// The `topics` claim: subscribed from the start.
    pub topics: Vec<Topic>,
    /// The `exp` claim: seconds since the Unix epoch. `None` only in development.
    pub expires: Option<u64>,
}

/// What a client shows of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Credentials<'a> {
    /// A JWT.
    pub token: Option<&'a str>,
    /// A user id that stands in for the token in development.
    pub user: Option<&'a str>,
}

/// Why a client was not let in, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unauthorized(pub String);

struct Key {
    /// The `kid` of a JWKS entry; keys without one fit every token.
    id: Option<String>,
    key: DecodingKey,
    validation: Validation,
}

/// Checks tokens against the configured keys; without any key, in development, it takes the
/// client's word for the user id.
pub(crate) struct Authenticator {
    keys: Vec<Key>,
}

impl Authenticator {
    /// Reads the keys that the settings name.
    ///
    /// # Errors
    /// A file that cannot be read or holds no key of a supported kind.
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let mut keys = Vec::new();
        let secret = Secret::load(
            "jwt-secret",
            settings.jwt_secret.as_ref(),
            settings.jwt_secret_file.as_deref(),
        )?;
        if let Some(secret) = secret {
            let key = DecodingKey::from_secret(secret.expose().as_bytes());
            keys.push(Key::new(None, key, Algorithm::HS256));
        }
        for file in &settings.jwt_public_key {
            keys.push(read_public_key(file)?);
        }
        if let Some(file) = &settings.jwks {
            keys.extend(read_key_set(file)?);
        }
        Ok(Self { keys })
    }

    /// Whether clients need no token.
    pub(crate) fn is_open(&self) -> bool {
        self.keys.is_empty()
    }

    /// Finds out who the client is.
    ///
    /// # Errors
    /// Says what is wrong with the token, or that there is none.
    pub(crate) fn authenticate(
        &self,
        credentials: Credentials<'_>,
    ) -> Result<Identity, Unauthorized> {
        match credentials {
            Credentials { token: Some(token), .. } if !self.is_open() => self.verify(token),
            Credentials { user: Some(user), .. } if self.is_open() => UserId::new(user)
                .map(|user| Identity { user, device: None, topics: Vec::new(), expires: None })
                .map_err(|error| Unauthorized(format!("user {error}"))),
            _ if self.is_open() => {
                Err(Unauthorized("give ?user=ID (development: no key is configured)".into()))
            }
            _ => Err(Unauthorized(
                "a token is required: Authorization: Bearer, ?token=, or \
                                   the token of the connect frame"
                    .into(),
            )),
        }
    }

    /// Checks a token's signature, `exp` and `nbf`.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn verify(&self, token: &str) -> Result<Identity, Unauthorized> {
        let unauthorized = |error| Unauthorized(format!("token refused: {error}"));
        let header = decode_header(token).map_err(unauthorized)?;
        let fits = |key: &&Key| {
            key.validation.algorithms.contains(&header.alg)
                && (key.id.is_none() || header.kid.is_none() || key.id == header.kid)
        };
        let mut problem = Unauthorized(format!("token refused: no key for {:?}", header.alg));
        for key in self.keys.iter().filter(fits) {
            match decode::<Claims>(token, &key.key, &key.validation) {
                Ok(data) => return Ok(data.claims.into()),
                Err(error) => problem = unauthorized(error),
            }
        }
        Err(problem)
    }
}

impl From<Claims> for Identity {
    fn from(claims: Claims) -> Self {
        let Claims { sub, exp, device, topics } = claims;
        Self { user: sub, device, topics, expires: Some(exp) }
    }
}

impl Key {
    fn new(id: Option<String>, key: DecodingKey, algorithm: Algorithm) -> Self {
        let mut validation = Validation::new(algorithm);
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        Self { id, key, validation }
    }
}

fn read_public_key(file: &Path) -> Result<Key, ConfigError> {
    let pem = read("--jwt-public-key", file)?;
    let kinds = [
        (DecodingKey::from_rsa_pem(&pem), Algorithm::RS256),
        (DecodingKey::from_ec_pem(&pem), Algorithm::ES256),
        (DecodingKey::from_ed_pem(&pem), Algorithm::EdDSA),
    ];
    let found = kinds
        .into_iter()
        .find_map(|(key, algorithm)| key.ok().map(|key| Key::new(None, key, algorithm)));
    found.ok_or_else(|| {
        let problem = format!("{} holds no public key", file.display());
        ConfigError::new("--jwt-public-key", problem, "give a PEM file: RSA, EC P-256 or Ed25519")
    })
}

fn read_key_set(file: &Path) -> Result<Vec<Key>, ConfigError> {
    let wrong = |problem: String| {
        ConfigError::new("--jwks", problem, "give a JSON Web Key Set (RFC 7517) file")
    };
    if file.to_string_lossy().contains("://") {
        return Err(wrong("a URL cannot be read yet".into()));
    }
    let set: JwkSet = serde_json::from_slice(&read("--jwks", file)?)
        .map_err(|error| wrong(format!("{}: {error}", file.display())))?;
    let keys: Vec<_> = set.keys.iter().filter_map(key_of_set).collect();
    match keys.is_empty() {
        true => Err(wrong(format!("{} holds no key of a supported kind", file.display()))),
        false => Ok(keys),
    }
}

/// The key of one entry; entries for other purposes or of unsupported kinds are passed over.
fn key_of_set(jwk: &Jwk) -> Option<Key> {
    let algorithm = match (&jwk.common.key_algorithm, &jwk.algorithm) {
        (Some(KeyAlgorithm::RS256), _) | (None, AlgorithmParameters::RSA(_)) => Algorithm::RS256,
        (Some(KeyAlgorithm::HS256), _) | (None, AlgorithmParameters::OctetKey(_)) => {
            Algorithm::HS256
        }
        (Some(KeyAlgorithm::EdDSA), _) | (None, AlgorithmParameters::OctetKeyPair(_)) => {
            Algorithm::EdDSA
        }
        (Some(KeyAlgorithm::ES256) | None, AlgorithmParameters::EllipticCurve(curve))
            if curve.curve == EllipticCurve::P256 =>
        {
            Algorithm::ES256
        }
        _ => return None,
    };
    let key = DecodingKey::from_jwk(jwk).ok()?;
    Some(Key::new(jwk.common.key_id.clone(), key, algorithm))
}

fn read(flag: &str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    fs::read(file).map_err(|error| {
        let problem = format!("cannot read {}: {error}", file.display());
        ConfigError::new(flag, problem, "name a readable file")
    })
}

#[cfg(test)]
mod tests;
