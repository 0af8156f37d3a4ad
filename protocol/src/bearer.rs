//! Bearer credentials (RFC 6750): tokens of clients, keys of backends, the secret of links.

use subtle::{Choice, ConstantTimeEq};

/// The credentials in the text of an `Authorization` header, if its scheme is `Bearer`, whose name
/// is case-insensitive (RFC 9110 section 11.1).
pub fn credentials(header: &str) -> Option<&str> {
    let (scheme, credentials) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())
}

/// Whether `shown` is one of the secrets. All of them are compared, so that the time says nothing
/// about which one came close.
pub fn is_one_of<'a>(shown: &str, secrets: impl IntoIterator<Item = &'a str>) -> bool {
    let matched = secrets.into_iter().fold(Choice::from(0), |matched, secret| {
        matched | secret.as_bytes().ct_eq(shown.as_bytes())
    });
    bool::from(matched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_follow_the_scheme() {
        let cases = [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("BEARER a b", Some("a b")),
            ("Bearer", None),
            ("Basic abc", None),
            ("", None),
        ];
        for (header, expected) in cases {
            assert_eq!(credentials(header), expected, "{header:?}");
        }
    }

    #[test]
    fn only_the_whole_secret_matches() {
        for shown in ["first", "second"] {
            assert!(is_one_of(shown, ["first", "second"]), "{shown}");
        }
        for shown in ["", "firs", "firsts", "First"] {
            assert!(!is_one_of(shown, ["first", "second"]), "{shown}");
        }
        assert!(!is_one_of("", []), "no secret, no match");
    }
}
