//! That somebody knows the link secret, without saying it: HMAC-SHA-256 (RFC 2104) of both sides' nonces.

use base64::{Engine, engine::general_purpose::STANDARD};
use graviola::hashing::{Sha256, hmac::Hmac};
use uuid::Uuid;

/// Who proves: the proof of one side is none of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// The process that gives.
    Gives,
    /// The one that takes.
    Takes,
}

/// A number that was never used: 244 random bits.
pub(crate) fn nonce() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

fn code(secret: &str, side: Side, nonces: [&str; 2]) -> Hmac<Sha256> {
    let mut code = Hmac::new(secret.as_bytes());
    code.update(match side {
        Side::Gives => b"holdfast takeover, gives\0",
        Side::Takes => b"holdfast takeover, takes\0",
    });
    for nonce in nonces {
        code.update((nonce.len() as u64).to_be_bytes());
        code.update(nonce.as_bytes());
    }
    code
}

/// Proves that this side knows the secret. The nonces are that of who gives, and that of who takes.
pub(crate) fn proof(secret: &str, side: Side, nonces: [&str; 2]) -> String {
    STANDARD.encode(code(secret, side, nonces).finish().as_ref())
}

/// Whether that side has proved it.
pub(crate) fn is_proof(proof: &str, secret: &str, side: Side, nonces: [&str; 2]) -> bool {
    let Ok(tag) = STANDARD.decode(proof) else { return false };
    code(secret, side, nonces).verify(&tag).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_of_one_secret_one_side_and_one_exchange() {
        let (one, other) = (nonce(), nonce());
        assert_ne!(one, other);
        let nonces = [one.as_str(), other.as_str()];
        let shown = proof("secret", Side::Takes, nonces);
        assert!(is_proof(&shown, "secret", Side::Takes, nonces));
        assert!(!is_proof(&shown, "secret", Side::Gives, nonces));
        assert!(!is_proof(&shown, "other", Side::Takes, nonces));
        assert!(!is_proof(&shown, "secret", Side::Takes, [&other, &one]));
        assert!(!is_proof("", "secret", Side::Takes, nonces));
        assert!(!is_proof("nonsense", "secret", Side::Takes, nonces));
    }
}
