//! Which tokens are taken.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::*;
use crate::settings::tests::settings;

fn key_file(name: &str) -> String {
    format!("{}/../tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn authenticator(flags: &[&str]) -> Authenticator {
    Authenticator::new(&settings(flags)).unwrap()
}

fn in_seconds(seconds: i64) -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 + seconds
}

/// A token of this algorithm, signed with the test key of its kind or the secret `s`.
fn signed(algorithm: Algorithm, id: Option<&str>, claims: &Value) -> String {
    let read = |name| fs::read(key_file(name)).unwrap();
    let key = match algorithm {
        Algorithm::RS256 | Algorithm::RS384 | Algorithm::PS256 => {
            EncodingKey::from_rsa_pem(&read("rsa.pem")).unwrap()
        }
        Algorithm::ES256 => EncodingKey::from_ec_pem(&read("ec.pem")).unwrap(),
        Algorithm::EdDSA => EncodingKey::from_ed_pem(&read("ed.pem")).unwrap(),
        _ => EncodingKey::from_secret(b"s"),
    };
    let header = Header { kid: id.map(str::to_owned), ..Header::new(algorithm) };
    encode(&header, claims, &key).unwrap()
}

fn good() -> Value {
    json!({ "sub": "u", "exp": in_seconds(60) })
}

#[test]
fn each_key_takes_its_algorithm_and_no_other() {
    let [rsa, ec, ed] = ["rsa", "ec", "ed"]
        .map(|kind| format!("--jwt-public-key={}", key_file(&format!("{kind}.public.pem"))));
    let keys = [
        ("--jwt-secret=s", Algorithm::HS256),
        (rsa.as_str(), Algorithm::RS256),
        (ec.as_str(), Algorithm::ES256),
        (ed.as_str(), Algorithm::EdDSA),
    ];
    let others = [Algorithm::HS384, Algorithm::HS512, Algorithm::RS384, Algorithm::PS256];
    for (flag, expected) in keys {
        let authenticator = authenticator(&[flag]);
        for algorithm in keys.map(|(_, algorithm)| algorithm).into_iter().chain(others) {
            let token = signed(algorithm, None, &good());
            let taken = authenticator.verify(&token).is_ok();
            assert_eq!(taken, algorithm == expected, "{flag} and {algorithm:?}");
        }
    }
    let all = authenticator(&["--jwt-secret=s", &rsa, &ec, &ed]);
    for (_, algorithm) in keys {
        assert!(all.verify(&signed(algorithm, None, &good())).is_ok(), "{algorithm:?}");
    }
}

#[test]
fn keys_of_a_set_are_chosen_by_id() {
    let authenticator = authenticator(&[&format!("--jwks={}", key_file("jwks.json"))]);
    let kinds = [(Algorithm::RS256, "rsa"), (Algorithm::ES256, "ec"), (Algorithm::EdDSA, "ed")];
    for (algorithm, right) in kinds {
        for (id, taken) in [(None, true), (Some(right), true), (Some("x"), false)] {
            let token = signed(algorithm, id, &good());
            assert_eq!(authenticator.verify(&token).is_ok(), taken, "{algorithm:?} {id:?}");
        }
    }
}

#[test]
fn claims_decide() {
    let authenticator = authenticator(&["--jwt-secret=s"]);
    let cases = [
        (json!({ "sub": "u", "exp": in_seconds(60) }), true),
        (json!({ "sub": "u", "exp": in_seconds(60) as f64 + 0.5 }), true),
        (json!({ "sub": "u", "exp": 9_999_999_999_999_u64 }), true),
        (json!({ "sub": "u", "exp": in_seconds(60), "aud": "any", "iss": "any" }), true),
        (json!({ "sub": "u", "exp": in_seconds(60), "nbf": in_seconds(-5) }), true),
        (json!({ "sub": "u", "exp": in_seconds(60), "device": null }), true),
        (json!({ "sub": "u", "exp": in_seconds(60), "device": "" }), false),
        (json!({ "sub": "u", "exp": in_seconds(60), "topics": [""] }), false),
        (json!({ "sub": "u", "exp": in_seconds(60), "topics": "t" }), false),
        (json!({ "sub": "u", "exp": in_seconds(60), "nbf": in_seconds(30) }), false),
        (json!({ "sub": "u", "exp": in_seconds(-1) }), false),
        (json!({ "sub": "u", "exp": -1 }), false),
        (json!({ "sub": "u", "exp": "tomorrow" }), false),
        (json!({ "sub": "u", "exp": null }), false),
        (json!({ "sub": "u" }), false),
        (json!({ "exp": in_seconds(60) }), false),
        (json!({ "sub": 5, "exp": in_seconds(60) }), false),
        (json!({ "sub": "a\u{1}", "exp": in_seconds(60) }), false),
        (json!({ "sub": "x".repeat(129), "exp": in_seconds(60) }), false),
    ];
    for (claims, taken) in cases {
        let verified = authenticator.verify(&signed(Algorithm::HS256, None, &claims));
        assert_eq!(verified.is_ok(), taken, "{claims}: {verified:?}");
    }
}

#[test]
fn an_identity_is_what_the_claims_say() {
    let exp = in_seconds(60);
    let claims = json!({ "sub": "u", "exp": exp, "device": "phone", "topics": ["a", "b"] });
    let authenticator = authenticator(&["--jwt-secret=s"]);
    let identity = authenticator.verify(&signed(Algorithm::HS256, None, &claims)).unwrap();
    assert_eq!(
        identity,
        Identity {
            user: UserId::new("u").unwrap(),
            device: Some(Device::new("phone").unwrap()),
            topics: ["a", "b"].map(|topic| Topic::new(topic).unwrap()).to_vec(),
            expires: Some(exp as u64),
        }
    );
}

#[test]
fn tampered_tokens_are_refused() {
    let authenticator = authenticator(&["--jwt-secret=s"]);
    let token = signed(Algorithm::HS256, None, &good());
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    // {"alg":"none"}, {"alg":"None"}
    for none in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJOb25lIn0"] {
        for end in ["", signature] {
            let token = format!("{none}.{claims}.{end}");
            assert!(authenticator.verify(&token).is_err(), "{token}");
        }
    }
    for token in [
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{header}.{claims}.{signature}.{signature}"),
        format!("{header}.{}.{signature}", &claims[1..]),
        format!("{header}..{signature}"),
        "..".to_owned(),
        String::new(),
        "é💡".to_owned(),
    ] {
        assert!(authenticator.verify(&token).is_err(), "{token}");
    }
}

#[test]
fn a_user_id_stands_in_only_where_no_key_is() {
    let (open, closed) = (authenticator(&[]), authenticator(&["--jwt-secret=s"]));
    let token = signed(Algorithm::HS256, None, &good());
    let cases = [
        (None, Some("u"), true, false),
        (Some(token.as_str()), None, false, true),
        (Some(token.as_str()), Some("v"), true, true),
        (Some("garbage"), Some("u"), true, false),
        (None, Some(""), false, false),
        (None, None, false, false),
    ];
    for (token, user, in_the_open, behind_keys) in cases {
        let credentials = Credentials { token, user };
        assert_eq!(open.authenticate(credentials).is_ok(), in_the_open, "{credentials:?}");
        assert_eq!(closed.authenticate(credentials).is_ok(), behind_keys, "{credentials:?}");
    }
}
