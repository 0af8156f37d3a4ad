//! What a token must say to be taken, beside its signature.

use protocol::claims::Claims;

use crate::settings::KeySettings;

/// What is checked of the claims (RFC 7519 section 4.1).
#[derive(Debug, Default)]
pub(super) struct Rules {
    issuers: Vec<String>,
    audiences: Vec<String>,
    /// Seconds.
    leeway: u64,
}

/// Why claims are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("the token is by an issuer (iss) that is not taken here")]
    Issuer,
    #[error("the token is for another audience (aud)")]
    Audience,
    #[error("the token has expired (exp)")]
    Expired,
    #[error("the token is not valid yet (nbf)")]
    Early,
}

impl Rules {
    pub(super) fn new(settings: &KeySettings) -> Self {
        Self {
            issuers: settings.jwt_issuer.clone(),
            audiences: settings.jwt_audience.clone(),
            leeway: settings.jwt_leeway.as_secs(),
        }
    }

    /// Checks what stays as it is.
    pub(super) fn check_parties(&self, claims: &Claims) -> Result<(), Unfit> {
        let is_by_one = |issuer: &String| self.issuers.contains(issuer);
        if !self.issuers.is_empty() && !claims.iss.as_ref().is_some_and(is_by_one) {
            return Err(Unfit::Issuer);
        }
        let is_for_one = |audience: &String| self.audiences.contains(audience);
        if !self.audiences.is_empty() && !claims.aud.iter().any(is_for_one) {
            return Err(Unfit::Audience);
        }
        Ok(())
    }

    /// Checks that the token is valid at this second of the Unix epoch; until when its session is.
    ///
    /// That is `exp`, but for a token that is past it and was taken by the leeway: it has what is
    /// left of that.
    pub(super) fn check_time(&self, nbf: u64, exp: u64, now: u64) -> Result<u64, Unfit> {
        if nbf > now.saturating_add(self.leeway) {
            return Err(Unfit::Early);
        }
        match exp.saturating_add(self.leeway) {
            end if end <= now => Err(Unfit::Expired),
            end if exp <= now => Ok(end),
            _ => Ok(exp),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::UserId;

    use super::*;

    #[test]
    fn time_is_judged_with_leeway() {
        let rules = Rules { leeway: 10, ..Rules::default() };
        let cases = [
            (0, 101, Ok(101)),
            (0, 100, Ok(110)),
            (0, 91, Ok(101)),
            (0, 90, Err(Unfit::Expired)),
            (0, 0, Err(Unfit::Expired)),
            (110, 200, Ok(200)),
            (111, 200, Err(Unfit::Early)),
            (u64::MAX, u64::MAX, Err(Unfit::Early)),
            (0, u64::MAX, Ok(u64::MAX)),
        ];
        for (nbf, exp, expected) in cases {
            assert_eq!(rules.check_time(nbf, exp, 100), expected, "{nbf} {exp}");
        }
        assert_eq!(Rules::default().check_time(0, 100, 100), Err(Unfit::Expired));
    }

    #[test]
    fn issuer_and_audience_are_asked_for_where_they_are_set() {
        let claims = |iss: Option<&str>, aud: &[&str]| Claims {
            iss: iss.map(str::to_owned),
            aud: aud.iter().map(|one| (*one).to_owned()).collect(),
            ..Claims::new(UserId::new("u").unwrap(), 1)
        };
        let some = Rules {
            issuers: vec!["i".into(), "j".into()],
            audiences: vec!["a".into(), "b".into()],
            leeway: 0,
        };
        let cases = [
            (claims(Some("i"), &["a"]), Ok(())),
            (claims(Some("j"), &["x", "b"]), Ok(())),
            (claims(Some("x"), &["a"]), Err(Unfit::Issuer)),
            (claims(None, &["a"]), Err(Unfit::Issuer)),
            (claims(Some("i"), &["x"]), Err(Unfit::Audience)),
            (claims(Some("i"), &[]), Err(Unfit::Audience)),
        ];
        for (claims, expected) in cases {
            assert_eq!(some.check_parties(&claims), expected, "{claims:?}");
            assert_eq!(Rules::default().check_parties(&claims), Ok(()));
        }
    }
}
