//! Signed tokens, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokens::Signer;

/// The secret that gateways of the tests check tokens with.
pub(crate) const SECRET: &str = "a secret for the tests, long enough to please everybody";

/// The flag that goes with it.
pub(crate) fn secret_flag() -> String {
    format!("--jwt-secret={SECRET}")
}

/// A file below `tests/keys`.
pub(crate) fn key_file(name: &str) -> String {
    format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Seconds since the Unix epoch, plus so many.
pub(crate) fn in_seconds(seconds: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() as i64 + seconds
}

/// A token of this user, valid for an hour.
pub(crate) fn token(user: &str) -> String {
    sign(&json!({ "sub": user, "exp": in_seconds(3600) }), SECRET)
}

/// A token of this user and device.
pub(crate) fn token_of_device(user: &str, device: &str) -> String {
    sign(&json!({ "sub": user, "exp": in_seconds(3600), "device": device }), SECRET)
}

/// Signs claims with HS256.
pub(crate) fn sign(claims: &Value, secret: &str) -> String {
    Signer::secret(secret.as_bytes()).sign(claims).unwrap()
}

/// Signs claims with the private key of this kind below `tests/keys`: `rsa`, `ec` or `ed`.
pub(crate) fn sign_with_key(claims: &Value, kind: &str, id: Option<&str>) -> String {
    let key = std::fs::read_to_string(key_file(&format!("{kind}.pem"))).unwrap();
    let signer = Signer::private_key(&key).unwrap();
    match id {
        Some(id) => signer.with_key_id(id).sign(claims).unwrap(),
        None => signer.sign(claims).unwrap(),
    }
}

/// Claims with `alg: none` and no signature.
pub(crate) fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(claims))
}
