//! A public key in a PEM file (RFC 7468).

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::key::{InvalidKey, Key};

/// Why a file is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// No `-----BEGIN`.
    #[error("it is not PEM: no line begins with -----BEGIN")]
    NotPem,
    /// More than one block: which one is meant?
    #[error("it holds more than one PEM block, and one key is meant")]
    Several,
    /// A key that should have stayed with whoever signs.
    #[error(
        "it holds a private key, which belongs only where tokens are signed; \
         `openssl pkey -in FILE -pubout` writes the public one"
    )]
    Private,
    /// A certificate.
    #[error("it holds a certificate; `openssl x509 -in FILE -noout -pubkey` writes its public key")]
    Certificate,
    /// Parameters of a curve, a request …
    #[error("its PEM block is no PUBLIC KEY")]
    Label,
    /// No end, or not base64 between.
    #[error("its PEM block is damaged")]
    Damaged,
    /// A block of the right kind around something that is not taken.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

const BEGIN: &str = "-----BEGIN ";

/// The one public key in a PEM file; its kind says which algorithm it is for. Text around the block
/// is passed over.
///
/// # Errors
/// There is no key, more than one, a private one, or one of a kind that is not taken.
pub fn public_key(text: &str) -> Result<Key, PemError> {
    let (label, der) = block(text)?;
    match label {
        "PUBLIC KEY" => Ok(Key::from_info(&der)?),
        "RSA PUBLIC KEY" => Ok(Key::from_rsa(&der)?),
        "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => Err(PemError::Certificate),
        label if label.ends_with("PRIVATE KEY") => Err(PemError::Private),
        _ => Err(PemError::Label),
    }
}

/// Label and content of the only block.
pub(crate) fn block(text: &str) -> Result<(&str, Vec<u8>), PemError> {
    let (_, after) = text.split_once(BEGIN).ok_or(PemError::NotPem)?;
    if after.contains(BEGIN) {
        return Err(PemError::Several);
    }
    let (label, after) = after.split_once("-----").ok_or(PemError::Damaged)?;
    let end = format!("-----END {label}-----");
    let (content, _) = after.split_once(&end).ok_or(PemError::Damaged)?;
    let content: String = content.split_ascii_whitespace().collect();
    Ok((label, STANDARD.decode(content).map_err(|_| PemError::Damaged)?))
}

#[cfg(test)]
mod tests;
