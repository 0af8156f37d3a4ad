//! Which tokens fit which keys.

use std::fs;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Algorithm, MAX_TOKEN_BYTES, Signer, jwks, pem};

fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/");
    fs::read_to_string(format!("{folder}{name}")).unwrap()
}

const SECRET: &[u8] = b"a secret of at least thirty-two bytes";

/// A signer and the key that goes with it, of each kind.
fn pairs() -> [(Signer, Key); 4] {
    let of = |kind: &str| {
        let signer = Signer::private_key(&file(&format!("{kind}.pem"))).unwrap();
        (signer, pem::public_key(&file(&format!("{kind}.public.pem"))).unwrap())
    };
    [(Signer::secret(SECRET), Key::secret(SECRET)), of("rsa"), of("ec"), of("ed")]
}

fn check(ring: &Ring, token: &str) -> Result<(), Refusal> {
    ring.check(&Token::parse(token)?)
}

fn claims() -> Value {
    json!({ "sub": "u", "exp": 1 })
}

#[test]
fn each_key_takes_its_algorithm_and_no_other() {
    for (_, key) in pairs() {
        let algorithm = key.algorithm();
        let ring = Ring::from_iter([key]);
        for (signer, _) in pairs() {
            let checked = check(&ring, &signer.sign(&claims()).unwrap());
            let expected = match signer.algorithm() == algorithm {
                true => Ok(()),
                false => Err(Refusal::NoKey(signer.algorithm())),
            };
            assert_eq!(checked, expected, "{algorithm} key");
        }
    }
    let all = Ring::from_iter(pairs().map(|(_, key)| key));
    for (signer, _) in pairs() {
        let token = signer.sign(&claims()).unwrap();
        assert_eq!(check(&all, &token), Ok(()), "{}", signer.algorithm());
        let parsed = Token::parse(&token).unwrap();
        assert_eq!(parsed.claims().unwrap(), claims().to_string().as_bytes());
    }
}

#[test]
fn a_public_key_is_no_secret() {
    // The classic confusion: the public key as a secret for HS256 (RFC 8725 section 2.1).
    let text = file("rsa.public.pem");
    let ring = Ring::from_iter([pem::public_key(&text).unwrap()]);
    let forged = Signer::secret(text.as_bytes());
    for alg in ["HS256", "RS256", "ES256", "EdDSA"] {
        let token = forged.sign_with(&json!({ "alg": alg }), &claims()).unwrap();
        assert!(check(&ring, &token).is_err(), "{alg}");
    }
}

#[test]
fn ed25519_goes_by_two_names() {
    let [.., (signer, key)] = pairs();
    let ring = Ring::from_iter([key]);
    for alg in ["EdDSA", "Ed25519"] {
        let token = signer.sign_with(&json!({ "alg": alg }), &claims()).unwrap();
        assert_eq!(check(&ring, &token), Ok(()), "{alg}");
    }
}

#[test]
fn headers_are_taken_or_refused_for_what_they_say() {
    let ring = Ring::from_iter([Key::secret(SECRET)]);
    let cases = [
        (json!({ "alg": "HS256" }), Ok(())),
        (json!({ "alg": "HS256", "typ": "JWT", "cty": 5, "x5c": ["…"] }), Ok(())),
        (json!({ "alg": "HS256", "kid": null }), Ok(())),
        (json!({ "alg": "HS256", "kid": "any" }), Ok(())),
        (json!({ "alg": "HS256", "kid": 5 }), Err(Refusal::Header)),
        (json!({ "alg": "HS256", "crit": ["exp"] }), Err(Refusal::Critical)),
        (json!({ "alg": "HS256", "crit": [] }), Err(Refusal::Critical)),
        (json!({ "alg": "HS256", "crit": null }), Err(Refusal::Critical)),
        (json!({ "alg": "HS256", "b64": false, "crit": ["b64"] }), Err(Refusal::Critical)),
        (json!({ "alg": "none" }), Err(Refusal::Algorithm)),
        (json!({ "alg": "None" }), Err(Refusal::Algorithm)),
        (json!({ "alg": "HS384" }), Err(Refusal::Algorithm)),
        (json!({ "alg": "PS256" }), Err(Refusal::Algorithm)),
        (json!({ "alg": "ES256" }), Err(Refusal::NoKey(Algorithm::Es256))),
        (json!({ "alg": "HS256", "pad": "x".repeat(8 * 1024) }), Err(Refusal::Header)),
        (json!({}), Err(Refusal::Header)),
        (json!({ "alg": null }), Err(Refusal::Header)),
        (json!([]), Err(Refusal::Header)),
    ];
    let signer = Signer::secret(SECRET);
    for (header, expected) in cases {
        let token = signer.sign_with(&header, &claims()).unwrap();
        assert_eq!(check(&ring, &token), expected, "{header}");
    }
    // Which of the two would count?
    let twice = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","alg":"none"}"#);
    assert_eq!(check(&ring, &format!("{twice}.e30.e30")), Err(Refusal::Header));
}

#[test]
fn tampered_tokens_are_refused() {
    for (signer, key) in pairs() {
        let token = signer.sign(&claims()).unwrap();
        let ring = Ring::from_iter([key]);
        let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!()
        };
        let other = URL_SAFE_NO_PAD.encode(r#"{"sub":"root","exp":1}"#);
        for (token, expected) in [
            (format!("{header}.{other}.{signature}"), Refusal::Signature),
            (format!("{header}.{claims}."), Refusal::Signature),
            (format!("{header}..{signature}"), Refusal::Signature),
            (format!("{header}.{claims}"), Refusal::Malformed),
            (format!("{header}.{claims}.{signature}.{signature}"), Refusal::Malformed),
            (format!("{header}.{claims}.{signature}="), Refusal::Malformed),
            (format!("{header}.{claims}.{signature}\n"), Refusal::Malformed),
            (format!(" {token}"), Refusal::Malformed),
            ("..".to_owned(), Refusal::Header),
            (String::new(), Refusal::Malformed),
            ("é.💡.x".to_owned(), Refusal::Malformed),
            ("x".repeat(MAX_TOKEN_BYTES + 1), Refusal::TooLong),
        ] {
            assert_eq!(check(&ring, &token), Err(expected), "{token}");
        }
    }
}

#[test]
fn keys_of_a_set_are_chosen_by_id() {
    let ring: Ring = jwks::read(file("jwks.json").as_bytes()).unwrap().keys.into_iter().collect();
    for kind in ["rsa", "ec", "ed"] {
        let signer = || Signer::private_key(&file(&format!("{kind}.pem"))).unwrap();
        let tokens = [
            (signer(), Ok(())),
            (signer().with_key_id(kind), Ok(())),
            (signer().with_key_id("x"), Err(Refusal::UnknownKeyId)),
        ];
        for (signer, expected) in tokens {
            assert_eq!(check(&ring, &signer.sign(&claims()).unwrap()), expected, "{kind}");
        }
        assert!(ring.has_id(kind));
    }
    assert!(!ring.has_id("x"));
}

#[test]
fn a_token_without_a_key_id_is_tried_with_few_keys() {
    let keys = |count: usize| {
        (0..count).map(|n| Key::secret(&[n as u8; 32])).map(|mut key| {
            key.id = Some("same".to_owned());
            key
        })
    };
    let token = Signer::secret(&[7; 32]).sign(&claims()).unwrap();
    assert_eq!(check(&keys(MAX_TRIES).collect(), &token), Ok(()));
    let refused = Err(Refusal::TooManyKeys(Algorithm::Hs256));
    assert_eq!(check(&keys(MAX_TRIES + 1).collect(), &token), refused);
    assert_eq!(check(&Ring::default(), &token), Err(Refusal::NoKey(Algorithm::Hs256)));
    assert_eq!((Ring::default().is_empty(), Ring::default().len()), (true, 0));
}

proptest! {
    #[test]
    fn any_text_is_taken_apart_or_refused(text in "[\\PC.]{0,80}") {
        let _ = Token::parse(&text);
    }

    #[test]
    fn a_changed_byte_is_noticed(place: prop::sample::Index, byte in 0x21_u8..0x7f) {
        for (signer, key) in pairs() {
            let token = signer.sign(&claims()).unwrap();
            let mut changed = token.clone().into_bytes();
            let place = place.index(changed.len());
            prop_assume!(changed[place] != byte);
            changed[place] = byte;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(check(&Ring::from_iter([key]), &changed).is_err(), "{changed}");
        }
    }

    #[test]
    fn what_is_signed_is_taken(text in "\\PC{0,200}", id in "\\PC{0,20}") {
        let claims = json!({ "sub": text });
        for (signer, key) in pairs() {
            let token = signer.with_key_id(&id).sign(&claims).unwrap();
            prop_assert_eq!(check(&Ring::from_iter([key]), &token), Ok(()));
        }
    }
}
