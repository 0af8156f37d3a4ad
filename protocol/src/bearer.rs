//! Bearer credentials (RFC 6750): tokens of clients, keys of backends, the secret of links.

use subtle::{ConditionallySelectable, ConstantTimeEq};

/// The credentials in the text of an `Authorization` header, if its scheme is `Bearer`, whose name
/// is case-insensitive (RFC 9110 section 11.1).
pub fn credentials(header: &str) -> Option<&str> {
    let (scheme, credentials) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| credentials.trim())
}

/// Why credentials were not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There were none.
    Missing,
    /// They are none of the secrets.
    Unknown,
}

/// Checks the credentials in the text of an `Authorization` header against secrets, any of which
/// will do, and returns which one it was. All of them are compared, so that the time says nothing about
/// which one came close.
///
/// # Errors
/// There are no credentials, or they are none of the secrets.
pub fn check<'a>(
    header: Option<&str>,
    secrets: impl IntoIterator<Item = &'a str>,
) -> Result<usize, Refused> {
    let shown = header.and_then(credentials).ok_or(Refused::Missing)?;
    let mut found = u32::MAX;
    for (secret, place) in secrets.into_iter().zip(0_u32..) {
        found.conditional_assign(&place, secret.as_bytes().ct_eq(shown.as_bytes()));
    }
    if found == u32::MAX { Err(Refused::Unknown) } else { Ok(found as usize) }
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
        let shown = |secret: &str| check(Some(&format!("Bearer {secret}")), ["first", "second"]);
        for (place, secret) in ["first", "second"].into_iter().enumerate() {
            assert_eq!(shown(secret), Ok(place), "{secret}");
        }
        for secret in ["", "firs", "firsts", "First"] {
            assert_eq!(shown(secret), Err(Refused::Unknown), "{secret}");
        }
        assert_eq!(check(Some("Bearer x"), []), Err(Refused::Unknown), "no secret, no match");
        for header in [None, Some("Basic first"), Some("")] {
            assert_eq!(check(header, ["first"]), Err(Refused::Missing), "{header:?}");
        }
    }
}
