//! What clients and issuers of tokens send.

use protocol::claims::Claims;
use tokens::{Key, Ring, Signer, Token, jwks, pem};

/// A token, a key set, a PEM file and claims, whichever the bytes are.
pub(crate) fn tokens(bytes: &[u8]) {
    if let Ok(set) = jwks::read(bytes) {
        assert!(set.keys.len() + set.passed_over.len() <= jwks::MAX_SET_KEYS);
    }
    let claims = Claims::read(bytes);
    if let Ok(claims) = &claims {
        let written = serde_json::to_vec(claims).expect("plain data");
        assert_eq!(Claims::read(&written).as_ref(), Ok(claims), "written and read as the same");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = pem::public_key(text);
    let _ = Signer::private_key(text);
    if let Ok(token) = Token::parse(text) {
        let _ = token.claims();
        let ring = Ring::from_iter([Key::secret(b"a secret that nobody has signed with")]);
        assert!(ring.check(&token).is_err(), "signed by nobody");
    }
}
