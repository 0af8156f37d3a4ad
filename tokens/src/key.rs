//! One key, and the one algorithm it is for.

use std::fmt;

use graviola::{
    hashing::{Sha256, hmac::Hmac},
    signing::{
        ecdsa::{self, P256},
        eddsa::Ed25519VerifyingKey,
        rsa,
    },
};

use crate::{algorithm::Algorithm, der, token::Token};

/// Why something is no key that tokens can be checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not of the form it claims to be of.
    #[error("the key is damaged")]
    Damaged,
    /// An RSA key that is too short to be trusted, too long, or not one.
    #[error("the RSA key is not one of 2048 to 8192 bits")]
    Rsa,
    /// A point that is not on P-256.
    #[error("the point is not on the curve P-256")]
    Point,
    /// P-384, secp256k1 …
    #[error("the key is on another curve than P-256, the one that is taken here")]
    Curve,
    /// DSA, Ed448 …
    #[error("the key is of a kind that is not taken here: RSA, EC P-256 or Ed25519 are")]
    Kind,
}

enum Verifier {
    Hs256(Box<Hmac<Sha256>>),
    Rs256(Box<rsa::VerifyingKey>),
    Es256(Box<ecdsa::VerifyingKey<P256>>),
    EdDsa(Box<Ed25519VerifyingKey>),
}

/// A key that signatures are checked with.
pub struct Key {
    /// The `kid` of a key from a set.
    pub(crate) id: Option<String>,
    verifier: Verifier,
}

impl Key {
    /// A secret for HS256. RFC 7518 section 3.2 asks for 32 bytes; that is for the caller to say.
    pub fn secret(secret: &[u8]) -> Self {
        Self::of(Verifier::Hs256(Box::new(Hmac::new(secret))))
    }

    /// A public key in the form of RFC 5280 section 4.1 (SubjectPublicKeyInfo).
    pub(crate) fn from_info(info: &[u8]) -> Result<Self, InvalidKey> {
        let (kind, key) = der::public_key(info).ok_or(InvalidKey::Damaged)?;
        match kind {
            der::Kind::Rsa => Self::from_rsa(key),
            der::Kind::P256 => Self::from_point(key),
            der::Kind::Ed25519 => Self::from_ed25519(key),
            der::Kind::OtherCurve => Err(InvalidKey::Curve),
            der::Kind::Other => Err(InvalidKey::Kind),
        }
    }

    /// An RSAPublicKey (RFC 8017 appendix A.1.1).
    pub(crate) fn from_rsa(der: &[u8]) -> Result<Self, InvalidKey> {
        let key = rsa::VerifyingKey::from_pkcs1_der(der).map_err(|_| InvalidKey::Rsa)?;
        Ok(Self::of(Verifier::Rs256(Box::new(key))))
    }

    /// Numbers of an RSA key, big-endian.
    pub(crate) fn from_rsa_numbers(modulus: &[u8], exponent: &[u8]) -> Result<Self, InvalidKey> {
        // Far above what is taken, and short enough to be written.
        if modulus.len() > 4096 || exponent.len() > 64 {
            return Err(InvalidKey::Rsa);
        }
        Self::from_rsa(&der::rsa_public_key(modulus, exponent))
    }

    /// An uncompressed point on P-256 (SEC 1 section 2.3.3).
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, InvalidKey> {
        let key = ecdsa::VerifyingKey::from_x962_uncompressed(point);
        Ok(Self::of(Verifier::Es256(Box::new(key.map_err(|_| InvalidKey::Point)?))))
    }

    /// The 32 bytes of an Ed25519 key (RFC 8032 section 5.1.5).
    pub(crate) fn from_ed25519(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let key = Ed25519VerifyingKey::from_bytes(bytes).map_err(|_| InvalidKey::Damaged)?;
        Ok(Self::of(Verifier::EdDsa(Box::new(key))))
    }

    fn of(verifier: Verifier) -> Self {
        Self { id: None, verifier }
    }

    /// The algorithm it is for.
    pub fn algorithm(&self) -> Algorithm {
        match self.verifier {
            Verifier::Hs256(_) => Algorithm::Hs256,
            Verifier::Rs256(_) => Algorithm::Rs256,
            Verifier::Es256(_) => Algorithm::Es256,
            Verifier::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// Whether the token is signed with this key, by the key's algorithm.
    pub(crate) fn has_signed(&self, token: &Token<'_>) -> bool {
        let (signed, signature) = (token.signed.as_bytes(), &token.signature);
        let checked = match &self.verifier {
            _ if token.algorithm != self.algorithm() => return false,
            Verifier::Hs256(key) => {
                let mut code = (**key).clone();
                code.update(signed);
                code.verify(signature)
            }
            Verifier::Rs256(key) => key.verify_pkcs1_sha256(signature, signed),
            // Two numbers of 32 bytes (RFC 7518 section 3.4).
            Verifier::Es256(key) => key.verify::<Sha256>(&[signed], signature),
            Verifier::EdDsa(key) => key.verify(signature, signed),
        };
        checked.is_ok()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm()).finish()
    }
}
