//! What is wrong with a token.

use crate::algorithm::Algorithm;

/// The longest token that is looked at. It has to fit into the head of a request.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Keys that one token is tried with: each costs a check of a signature, which anybody may ask for.
pub const MAX_TRIES: usize = 8;

/// Why a token is not taken, in words that say nothing of what is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// Not three parts of base64url.
    #[error("the token is not three parts of base64url with dots between them (RFC 7515)")]
    Malformed,
    /// A header that is not JSON with an `alg`.
    #[error("the token's header is not JSON with an alg")]
    Header,
    /// `none`, or an algorithm that is not taken.
    #[error("the token's alg is none of HS256, RS256, ES256 and EdDSA")]
    Algorithm,
    /// A `crit` header (RFC 7515 section 4.1.11).
    #[error("the token's header asks for extensions (crit) that are not known here")]
    Critical,
    /// No key is for its algorithm.
    #[error("no key here is for {0}")]
    NoKey(Algorithm),
    /// No key for its algorithm has its `kid`.
    #[error("no key here has the token's kid")]
    UnknownKeyId,
    /// So many keys would fit that it has to name one.
    #[error("the token has to name its key (kid): more than {MAX_TRIES} keys are for {0}")]
    TooManyKeys(Algorithm),
    /// The signature is not by any key.
    #[error("the token's signature does not fit any key")]
    Signature,
}
