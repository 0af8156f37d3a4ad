//! Which entries of a set are keys.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn file(name: &str) -> Value {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/");
    serde_json::from_slice(&std::fs::read(format!("{folder}{name}")).unwrap()).unwrap()
}

/// The entry of this kind in the set of the tests, with these members instead.
fn entry(kind: &str, members: Value) -> Value {
    let set = file("jwks.json");
    let found = set["keys"].as_array().unwrap().iter().find(|entry| entry["kid"] == kind);
    let mut entry = found.unwrap().clone();
    entry.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    entry
}

fn read_one(entry: &Value) -> Result<Algorithm, PassedOver> {
    let set = read(json!({ "keys": [entry] }).to_string().as_bytes()).unwrap();
    match (set.keys.first(), set.passed_over.first()) {
        (Some(key), None) => Ok(key.algorithm()),
        (None, Some((_, why))) => Err(*why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn entries_are_keys_or_passed_over_for_what_they_are() {
    use Algorithm::{EdDsa, Es256, Rs256};
    let cases = [
        (entry("rsa", json!({})), Ok(Rs256)),
        (entry("rsa", json!({ "alg": null, "use": null, "key_ops": null })), Ok(Rs256)),
        (entry("rsa", json!({ "use": "sig", "key_ops": ["sign", "verify"] })), Ok(Rs256)),
        (entry("rsa", json!({ "alg": "RS512" })), Err(PassedOver::Algorithm)),
        (entry("rsa", json!({ "alg": "ES256" })), Err(PassedOver::Algorithm)),
        (entry("rsa", json!({ "n": "AQAB" })), Err(InvalidKey::Rsa.into())),
        (entry("rsa", json!({ "e": "Ag" })), Err(InvalidKey::Rsa.into())),
        (entry("rsa", json!({ "n": "x".repeat(40_000) })), Err(InvalidKey::Rsa.into())),
        (entry("rsa", json!({ "n": null })), Err(InvalidKey::Damaged.into())),
        (entry("rsa", json!({ "d": "AQAB" })), Err(PassedOver::Private)),
        (entry("ec", json!({})), Ok(Es256)),
        (entry("ec", json!({ "use": "enc" })), Err(PassedOver::Use)),
        (entry("ec", json!({ "key_ops": ["deriveKey"] })), Err(PassedOver::Operations)),
        (entry("ec", json!({ "key_ops": [] })), Err(PassedOver::Operations)),
        (entry("ec", json!({ "crv": "P-384" })), Err(InvalidKey::Curve.into())),
        (entry("ec", json!({ "crv": null })), Err(InvalidKey::Kind.into())),
        (entry("ec", json!({ "x": "AAAA" })), Err(InvalidKey::Point.into())),
        (entry("ec", json!({ "x": "_".repeat(43) })), Err(InvalidKey::Damaged.into())),
        (entry("ec", json!({ "x": "A".repeat(43) })), Err(InvalidKey::Point.into())),
        (entry("ec", json!({ "kid": 5 })), Err(PassedOver::NotAKey)),
        (entry("ed", json!({})), Ok(EdDsa)),
        (entry("ed", json!({ "alg": "EdDSA" })), Ok(EdDsa)),
        (entry("ed", json!({ "alg": "Ed25519" })), Ok(EdDsa)),
        (entry("ed", json!({ "crv": "X25519" })), Err(InvalidKey::Kind.into())),
        (json!({ "kty": "oct", "k": "AAAA" }), Err(PassedOver::Symmetric)),
        (json!({ "kty": "other" }), Err(InvalidKey::Kind.into())),
        (json!({}), Err(PassedOver::NotAKey)),
        (json!(5), Err(PassedOver::NotAKey)),
    ];
    for (entry, expected) in cases {
        assert_eq!(read_one(&entry), expected, "{entry}");
    }
}

#[test]
fn a_set_is_read_around_what_is_passed_over() {
    let mut entries = file("jwks.json")["keys"].as_array().unwrap().clone();
    entries.push(json!({ "kty": "oct", "k": "AAAA", "kid": "shared" }));
    entries.push(json!({ "kty": "oct", "k": "AAAA" }));
    let text = format!("\u{feff}{}", json!({ "keys": entries }));
    let set = read(text.as_bytes()).unwrap();
    assert_eq!(set.keys.len(), 3);
    let names: Vec<_> = set.passed_over.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["shared", "number 5"]);
    assert_eq!(read(br#"{"keys":[]}"#).unwrap().keys.len(), 0);
}

#[test]
fn what_is_no_set_is_told_apart() {
    for text in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]} x"#, "<html>"] {
        assert_eq!(read(text.as_bytes()).err(), Some(SetError::NotASet), "{text}");
    }
    let many = json!({ "keys": vec![0; MAX_SET_KEYS + 1] }).to_string();
    assert_eq!(read(many.as_bytes()).err(), Some(SetError::TooMany));
    let long = format!(r#"{{"keys":[]}}{}"#, " ".repeat(MAX_SET_BYTES));
    assert_eq!(read(long.as_bytes()).err(), Some(SetError::TooLong));
}

proptest! {
    #[test]
    fn any_bytes_are_a_set_or_refused(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }

    #[test]
    fn any_members_are_a_key_or_passed_over(
        kind in prop::sample::select(vec!["rsa", "ec", "ed"]),
        member in prop::sample::select(vec!["kty", "crv", "x", "y", "n", "e", "alg", "use", "kid"]),
        text in "[A-Za-z0-9_-]{0,50}|\\PC{0,20}",
    ) {
        let _ = read_one(&entry(kind, json!({ member: text })));
    }
}
