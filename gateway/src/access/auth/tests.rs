//! Which tokens are taken, and who is who.

use std::sync::Arc;

use protocol::{Topic, TopicPattern};
use serde_json::{Value, json};
use tokens::Signer;

use super::*;
use crate::{access::keys::keeper::Keeper, settings::tests::settings};

const SECRET: &str = "a secret of at least thirty-two bytes";
const SECRET_FLAG: &str = "--jwt-secret=a secret of at least thirty-two bytes";

fn key_file(name: &str) -> String {
    format!("{}/../tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn authenticator(flags: &[&str]) -> Arc<Authenticator> {
    Keeper::load(&settings(flags)).unwrap().authenticator
}

fn in_seconds(seconds: i64) -> i64 {
    since_epoch().as_secs() as i64 + seconds
}

fn signed(claims: &Value) -> String {
    Signer::secret(SECRET.as_bytes()).sign(claims).unwrap()
}

fn good() -> Value {
    json!({ "sub": "u", "exp": in_seconds(60) })
}

/// Claims of a good token, and these.
fn and(more: Value) -> Value {
    let mut claims = good();
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    claims
}

#[test]
fn claims_decide() {
    let authenticator = authenticator(&[SECRET_FLAG]);
    let cases = [
        (good(), true),
        (and(json!({ "exp": in_seconds(60) as f64 + 0.5 })), true),
        (and(json!({ "exp": 9_999_999_999_999_u64 })), true),
        (and(json!({ "aud": "any", "iss": "any" })), true),
        (and(json!({ "nbf": in_seconds(-5) })), true),
        (and(json!({ "nbf": in_seconds(5) })), true),
        (and(json!({ "exp": in_seconds(-5) })), true),
        (and(json!({ "device": null, "topics": null, "nbf": null })), true),
        (and(json!({ "device": "" })), false),
        (and(json!({ "nbf": in_seconds(30) })), false),
        (and(json!({ "exp": in_seconds(-11) })), false),
        (and(json!({ "exp": -1 })), false),
        (and(json!({ "exp": null })), false),
        (json!({ "sub": "u" }), false),
        (json!({ "exp": in_seconds(60) }), false),
    ];
    for (claims, taken) in cases {
        let verified = authenticator.verify(&signed(&claims));
        assert_eq!(verified.is_ok(), taken, "{claims}: {verified:?}");
    }
}

#[test]
fn issuer_audience_and_leeway_are_as_set() {
    let flags = [SECRET_FLAG, "--jwt-issuer=i", "--jwt-audience=a", "--jwt-audience=b"];
    let strict = authenticator(&[&flags[..], &["--jwt-leeway=0s"]].concat());
    let cases = [
        (json!({ "iss": "i", "aud": ["x", "b"] }), true),
        (json!({ "iss": "x", "aud": "a" }), false),
        (json!({ "iss": "i" }), false),
        (json!({ "iss": "i", "aud": "a", "exp": in_seconds(-1) }), false),
        (json!({ "iss": "i", "aud": "a", "nbf": in_seconds(5) }), false),
    ];
    for (claims, taken) in cases {
        assert_eq!(strict.verify(&signed(&and(claims.clone()))).is_ok(), taken, "{claims}");
    }
}

#[test]
fn an_identity_is_what_the_claims_say() {
    let exp = in_seconds(60);
    let claims = json!({
        "sub": "u", "exp": exp, "device": "phone", "topics": ["a"], "subscribe": ["b", "c/*"],
    });
    let topic = |text| Topic::new(text).unwrap();
    let expected = Identity {
        user: UserId::new("u").unwrap(),
        device: Some(Device::new("phone").unwrap()),
        topics: vec![topic("a")],
        subscribable: vec![topic("b").into(), TopicPattern::Prefix("c/".into()), topic("a").into()],
        expires: Some(exp as u64),
    };
    let identity = authenticator(&[SECRET_FLAG]).verify(&signed(&claims)).unwrap();
    assert_eq!(identity, expected);
    for which in ["any", "none"] {
        let flag = format!("--client-subscribe={which}");
        let identity = authenticator(&[SECRET_FLAG, &flag]).verify(&signed(&claims)).unwrap();
        assert_eq!(identity.subscribable, [], "it does not depend on the token");
    }
}

#[test]
fn a_remembered_token_is_judged_by_the_present_time_and_keys() {
    let ed = format!("--jwt-public-key={}", key_file("ed.public.pem"));
    let authenticator = authenticator(&[&ed, "--jwt-leeway=0s"]);
    let signer =
        Signer::private_key(&std::fs::read_to_string(key_file("ed.pem")).unwrap()).unwrap();
    let token = signer.sign(&json!({ "sub": "u", "exp": in_seconds(2), "device": "d" })).unwrap();
    let first = authenticator.verify(&token).unwrap();
    let digest = tokens::digest(token.as_bytes());
    let found = authenticator.verified.find(&digest, 1, Instant::now());
    assert!(found.is_some(), "it is remembered");
    assert_eq!(authenticator.verify(&token).unwrap(), first, "and says the same");
    // Tokens of a secret are not: looking them up would cost as much.
    let other = signer.sign(&good()).unwrap();
    authenticator.set_keys(Ring::default());
    for token in [&token, &other] {
        assert!(authenticator.verify(token).is_err(), "its key is not in force any more");
    }
    let ring = crate::access::keys::files::read(&settings(&[&ed]).keys).unwrap();
    authenticator.set_keys(ring);
    authenticator.verify(&token).unwrap();
    while since_epoch().as_secs() <= first.expires.unwrap() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let expired = authenticator.verify(&token).unwrap_err();
    assert_eq!(expired.0, "the token has expired (exp)");
}

#[test]
fn a_user_id_stands_in_only_where_no_key_is() {
    let (open, closed) = (authenticator(&[]), authenticator(&[SECRET_FLAG]));
    let token = signed(&good());
    let cases = [
        (None, Some("u"), true, false),
        (Some(token.as_str()), None, false, true),
        (Some(token.as_str()), Some("v"), true, true),
        (Some("garbage"), Some("u"), true, false),
        (None, Some(""), false, false),
        (None, None, false, false),
    ];
    for (token, user, in_the_open, behind_keys) in cases {
        let credentials = Credentials { token, user, device: None };
        assert_eq!(open.authenticate(credentials).is_ok(), in_the_open, "{credentials:?}");
        assert_eq!(closed.authenticate(credentials).is_ok(), behind_keys, "{credentials:?}");
    }
    let refused = closed.authenticate(Credentials { user: Some("u"), ..Default::default() });
    assert!(refused.unwrap_err().0.contains("keys are configured"));
}

#[test]
fn a_client_names_its_device_where_its_token_does_not() {
    let authenticator = authenticator(&[SECRET_FLAG]);
    let (without, with) = (signed(&good()), signed(&and(json!({ "device": "phone" }))));
    for (token, named, expected) in [
        (&without, None, None),
        (&without, Some("tablet"), Some("tablet")),
        (&with, Some("tablet"), Some("phone")),
    ] {
        let credentials = Credentials { token: Some(token), user: None, device: named };
        let device = authenticator.authenticate(credentials).unwrap().device;
        assert_eq!(device.as_ref().map(Device::as_str), expected, "{named:?}");
    }
    let credentials = Credentials { token: Some(&without), user: None, device: Some("a\n") };
    let refused = authenticator.authenticate(credentials).unwrap_err();
    assert_eq!(refused.0, "device must not contain control characters");
}

#[test]
fn refusals_say_nothing_of_the_token() {
    let authenticator = authenticator(&[SECRET_FLAG]);
    let other = Signer::secret(b"other").sign(&json!({ "sub": "SECRETIVE" })).unwrap();
    for (token, reason) in [
        (signed(&and(json!({ "sub": ["SECRETIVE"] }))), "the token's claim sub is not a text"),
        (other, "the token's signature does not fit any key"),
        (
            "SECRETIVE".to_owned(),
            "the token is not three parts of base64url with dots between them (RFC 7515)",
        ),
    ] {
        assert_eq!(authenticator.verify(&token).unwrap_err().0, reason);
    }
}
