//! Makes tokens.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use graviola::{
    hashing::{Sha256, hmac::Hmac},
    signing::{
        ecdsa::{self, P256},
        eddsa::Ed25519SigningKey,
        rsa,
    },
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{algorithm::Algorithm, der, pem};

/// Why there is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The file is not one PEM block.
    #[error("it is not one PEM block")]
    NotPem,
    /// Not a private key in PKCS #8, or not one of ours.
    #[error("it holds no private key (PRIVATE KEY, PKCS #8) of RSA, EC P-256 or Ed25519")]
    Key,
    /// The system gave no random bytes, or header or claims are no JSON.
    #[error("the token cannot be signed")]
    Failed,
}

enum Signing {
    Hs256(Box<Hmac<Sha256>>),
    Rs256(Box<rsa::SigningKey>),
    Es256(Box<ecdsa::SigningKey<P256>>),
    EdDsa(Box<Ed25519SigningKey>),
}

/// Signs tokens with one key.
pub struct Signer {
    key: Signing,
    key_id: Option<String>,
}

impl Signer {
    /// Signs with a secret (HS256).
    pub fn secret(secret: &[u8]) -> Self {
        Self { key: Signing::Hs256(Box::new(Hmac::new(secret))), key_id: None }
    }

    /// Signs with the private key in a PEM file.
    ///
    /// # Errors
    /// There is none of a kind that is taken.
    pub fn private_key(text: &str) -> Result<Self, SignError> {
        let (label, der) = pem::block(text).map_err(|_| SignError::NotPem)?;
        let kind = der::private_key_kind(&der).filter(|_| label == "PRIVATE KEY");
        let key = match kind.ok_or(SignError::Key)? {
            der::Kind::Rsa => {
                rsa::SigningKey::from_pkcs8_der(&der).map(Box::new).map(Signing::Rs256)
            }
            der::Kind::P256 => {
                ecdsa::SigningKey::from_pkcs8_der(&der).map(Box::new).map(Signing::Es256)
            }
            der::Kind::Ed25519 => {
                Ed25519SigningKey::from_pkcs8_der(&der).map(Box::new).map(Signing::EdDsa)
            }
            der::Kind::OtherCurve | der::Kind::Other => return Err(SignError::Key),
        };
        Ok(Self { key: key.map_err(|_| SignError::Key)?, key_id: None })
    }

    /// Names the key in the tokens' headers.
    #[must_use]
    pub fn with_key_id(self, id: &str) -> Self {
        Self { key_id: Some(id.to_owned()), ..self }
    }

    /// The algorithm of its key.
    pub fn algorithm(&self) -> Algorithm {
        match self.key {
            Signing::Hs256(_) => Algorithm::Hs256,
            Signing::Rs256(_) => Algorithm::Rs256,
            Signing::Es256(_) => Algorithm::Es256,
            Signing::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    /// A token that says this.
    ///
    /// # Errors
    /// The claims are no JSON, or the system gave no random bytes.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.algorithm().to_string().into());
        header.insert("typ".to_owned(), "JWT".into());
        if let Some(id) = &self.key_id {
            header.insert("kid".to_owned(), id.as_str().into());
        }
        self.sign_with(&Value::Object(header), claims)
    }

    /// A token with a header of one's own, whatever it says: for tests.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_with(
        &self,
        header: &impl Serialize,
        claims: &impl Serialize,
    ) -> Result<String, SignError> {
        let mut token = encode(header)?;
        token.push('.');
        token += &encode(claims)?;
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, signed: &[u8]) -> Result<Vec<u8>, SignError> {
        // The largest RSA key that is taken has 8192 bits.
        let mut buffer = [0; 1024];
        let signature = match &self.key {
            Signing::Hs256(key) => {
                let mut code = (**key).clone();
                code.update(signed);
                return Ok(code.finish().as_ref().to_vec());
            }
            Signing::EdDsa(key) => return Ok(key.sign(signed).to_vec()),
            Signing::Rs256(key) => {
                let room = &mut buffer[..key.modulus_len_bytes()];
                key.sign_pkcs1_sha256(room, signed)
            }
            Signing::Es256(key) => key.sign::<Sha256>(&[signed], &mut buffer[..64]),
        };
        signature.map(<[u8]>::to_vec).map_err(|_| SignError::Failed)
    }
}

fn encode(part: &impl Serialize) -> Result<String, SignError> {
    let json = serde_json::to_vec(part).map_err(|_| SignError::Failed)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}
