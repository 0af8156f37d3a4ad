//! Signed tokens in their compact form (RFC 7515, RFC 7519), and the keys they are checked with.
//!
//! A [`Ring`] holds the keys of a process, each with the one algorithm it is for; they come as a
//! secret, from a [`pem`] file or from a set ([`jwks`]). A [`Token`] is taken apart before anything of
//! it is believed; what is wrong with it is a [`Refusal`]. A [`Signer`] makes tokens, for trying
//! things out and for tests. What a token says is for others to read.
//!
//! The cryptography is all from one library, chosen in `docs/decisions/tokens.md`. A module imports
//! only what is declared after it.

mod ring;
mod signer;

pub mod jwks;
pub mod pem;

mod key;

mod token;

mod der;

mod refusal;

mod algorithm;

pub use self::{
    algorithm::Algorithm,
    key::{InvalidKey, Key},
    refusal::{MAX_TOKEN_BYTES, MAX_TRIES, Refusal},
    ring::Ring,
    signer::{SignError, Signer},
    token::Token,
};

/// Whether this machine's processor has the instructions that the cryptography is written in.
pub fn is_cpu_supported() -> bool {
    graviola::util::is_cpu_supported()
}

/// SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    use graviola::hashing::{Hash, Sha256};
    let mut digest = [0; 32];
    digest.copy_from_slice(Sha256::hash(bytes).as_ref());
    digest
}
