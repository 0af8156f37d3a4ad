//! Which files hold a key.

use proptest::prelude::*;

use super::*;
use crate::{Algorithm, InvalidKey};

fn file(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

#[test]
fn public_keys_are_taken_by_their_kind() {
    let cases = [
        ("rsa.public.pem", Algorithm::Rs256),
        ("rsa.pkcs1.pem", Algorithm::Rs256),
        ("ec.public.pem", Algorithm::Es256),
        ("ed.public.pem", Algorithm::EdDsa),
    ];
    for (name, algorithm) in cases {
        let text = file(name);
        for text in [
            text.clone(),
            text.replace('\n', "\r\n"),
            format!("\u{feff}subject=CN = issuer\n{text}\n"),
        ] {
            let key = public_key(&text).map(|key| key.algorithm());
            assert_eq!(key, Ok(algorithm), "{name}");
        }
    }
}

#[test]
fn everything_else_is_refused_for_what_it_is() {
    let ec = file("ec.public.pem");
    let cases = [
        (String::new(), PemError::NotPem),
        ("{}".to_owned(), PemError::NotPem),
        (ec.repeat(2), PemError::Several),
        (format!("{ec}{}", file("ec.certificate.pem")), PemError::Several),
        (file("ec.pem"), PemError::Private),
        (file("rsa.pem"), PemError::Private),
        (file("ec.certificate.pem"), PemError::Certificate),
        (file("p384.public.pem"), PemError::Key(InvalidKey::Curve)),
        (file("ed448.public.pem"), PemError::Key(InvalidKey::Kind)),
        (file("rsa1024.public.pem"), PemError::Key(InvalidKey::Rsa)),
        (ec.replace("PUBLIC KEY", "EC PARAMETERS"), PemError::Label),
        (ec.replace("END PUBLIC KEY", "END"), PemError::Damaged),
        (ec.replace("MF", "M!"), PemError::Damaged),
        (ec.replace("MF", "MG"), PemError::Key(InvalidKey::Damaged)),
    ];
    for (text, expected) in cases {
        assert_eq!(public_key(&text).err(), Some(expected), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_a_key_or_refused(text in "\\PC{0,200}") {
        let _ = public_key(&text);
        let _ = public_key(&format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----"));
    }

    #[test]
    fn any_content_is_a_key_or_refused(der: Vec<u8>, cut: prop::sample::Index, byte: u8) {
        let around = |der: &[u8]| {
            let content = STANDARD.encode(der);
            format!("-----BEGIN PUBLIC KEY-----\n{content}\n-----END PUBLIC KEY-----\n")
        };
        let _ = public_key(&around(&der));
        for name in ["rsa.public.pem", "ec.public.pem", "ed.public.pem"] {
            let (_, mut der) = block(&file(name)).map(|(label, der)| (label.to_owned(), der)).unwrap();
            let place = cut.index(der.len());
            prop_assert!(public_key(&around(&der[..place])).is_err());
            der[place] = byte;
            let _ = public_key(&around(&der));
        }
    }
}
