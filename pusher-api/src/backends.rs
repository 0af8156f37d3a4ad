//! Backends: the keys they present, what they may do with them, and whose ids are whose.
//!
//! A key is written `KEY`, or `NAME:SCOPES:KEY` with scopes separated by commas; none means all of
//! them. Several keys in one text are separated by commas or line breaks. The characters of a bearer
//! token (RFC 6750 section 2.1) are neither commas nor colons, so that nothing is taken for a key
//! that was meant to be more than that.

use protocol::bearer::{self, Refused};
use settings::{ConfigError, Secret};

use crate::stable_hash::StableHash;

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Pushing.
    Push,
    /// Asking for users, topics and gateways.
    Read,
    /// Following events.
    Events,
    /// Closing sessions, changing subscriptions.
    Admin,
}

impl Scope {
    /// Every scope.
    pub(crate) const ALL: [Self; 4] = [Self::Push, Self::Read, Self::Events, Self::Admin];

    /// The scope as it stands in `--api-key` and in answers.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Read => "read",
            Self::Events => "events",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn find(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Who sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Backend {
    /// Keeps the ids of one backend apart from those of others, in every process. Two keys of one name are
    /// one backend's, so that a key can be replaced.
    pub ids: u64,
    scopes: u8,
}

impl Backend {
    /// Whoever sends a request where no key is needed.
    pub(crate) const ANYONE: Self = Self { ids: 0, scopes: u8::MAX };

    /// Another one, who may do the same.
    #[cfg(test)]
    pub(crate) const fn with_ids(self, ids: u64) -> Self {
        Self { ids, ..self }
    }

    /// Whether its key allows this.
    pub(crate) const fn may(self, scope: Scope) -> bool {
        self.scopes & scope.bit() != 0
    }
}

/// Every key that backends may present; without any, none is needed.
#[derive(Debug, Default)]
pub(crate) struct Backends(Vec<(Secret, Backend)>);

impl Backends {
    /// Reads what was configured.
    ///
    /// # Errors
    /// Says what is wrong with a key, without the key.
    pub(crate) fn new(configured: &[Secret]) -> Result<Self, ConfigError> {
        let mut backends = Self::default();
        for text in configured.iter().flat_map(|text| split(text.expose())) {
            let (key, backend) = read(&text).map_err(wrong)?;
            if backends.0.iter().any(|(known, _)| *known == key) {
                return Err(wrong("gives one key twice".to_owned()));
            }
            backends.0.push((key, backend));
        }
        match backends.0.is_empty() && !configured.is_empty() {
            true => Err(wrong("is empty".to_owned())),
            false => Ok(backends),
        }
    }

    /// Whether everybody may do everything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose key stands in the text of an `Authorization` header.
    ///
    /// # Errors
    /// There is no key in it, or one that is not known.
    pub(crate) fn find(&self, header: Option<&str>) -> Result<Backend, Refused> {
        if self.is_empty() {
            return Ok(Backend::ANYONE);
        }
        let found = bearer::check(header, self.0.iter().map(|(key, _)| key.expose()))?;
        self.0.get(found).map(|(_, backend)| *backend).ok_or(Refused::Unknown)
    }
}

fn wrong(problem: String) -> ConfigError {
    ConfigError::new("--api-key", problem, "write KEY or NAME:SCOPES:KEY, like ci:push,read:s3cret")
}

/// Cuts at line breaks and commas, but not between the scopes of one key.
fn split(text: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for line in text.lines() {
        let mut begun = String::new();
        for piece in line.split(',') {
            begun.push_str(piece.trim());
            if ends_in_scopes(&begun) {
                begun.push(',');
            } else {
                keys.push(std::mem::take(&mut begun));
            }
        }
        keys.push(begun.trim_end_matches(',').to_owned());
    }
    keys.retain(|key| !key.is_empty());
    keys
}

/// Whether the key itself is still to come: a name and a scope have been read, or several.
fn ends_in_scopes(text: &str) -> bool {
    let scopes = text.split_once(':').map(|(_, scopes)| scopes);
    scopes.is_some_and(|scopes| scopes.split(',').all(|scope| Scope::find(scope).is_some()))
}

fn read(text: &str) -> Result<(Secret, Backend), String> {
    let mut parts = text.splitn(3, ':');
    let (name, scopes, key) = match (parts.next(), parts.next(), parts.next()) {
        (Some(key), None, None) => ("", "", key),
        (Some(name), Some(scopes), Some(key)) => (name, scopes, key),
        _ => return Err("has a name and no key, or a colon in a key".to_owned()),
    };
    if key.is_empty() {
        return Err(format!("has no key behind the name {name:?}"));
    }
    let mut allowed = 0;
    for scope in scopes.split(',').filter(|scope| !scope.is_empty()) {
        let Some(scope) = Scope::find(scope) else {
            let known = Scope::ALL.map(Scope::as_str).join(", ");
            // What stands there may be part of a key.
            return Err(format!("gives a scope that is none of {known}"));
        };
        allowed |= scope.bit();
    }
    let scopes = if allowed == 0 { u8::MAX } else { allowed };
    let (kind, known_by) = if name.is_empty() { (0, key) } else { (1, name) };
    let ids = StableHash::new().number(kind).text(known_by).value();
    Ok((Secret::from(key), Backend { ids, scopes }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backends(texts: &[&str]) -> Result<Backends, String> {
        let configured: Vec<_> = texts.iter().map(|text| Secret::from(*text)).collect();
        Backends::new(&configured).map_err(|error| error.problem)
    }

    fn scopes_of(backends: &Backends, key: &str) -> Vec<&'static str> {
        let backend = backends.find(Some(&format!("Bearer {key}"))).expect(key);
        Scope::ALL.into_iter().filter(|scope| backend.may(*scope)).map(Scope::as_str).collect()
    }

    #[test]
    fn keys_allow_what_stands_in_front_of_them() {
        type Case = (&'static [&'static str], &'static [(&'static str, &'static [&'static str])]);
        let cases: &[Case] = &[
            (&["k"], &[("k", &["push", "read", "events", "admin"])]),
            (&["ci:push:k"], &[("k", &["push"])]),
            (&["ci:push,read:k"], &[("k", &["push", "read"])]),
            (&["ci::k"], &[("k", &["push", "read", "events", "admin"])]),
            (&["::a:b"], &[("a:b", &["push", "read", "events", "admin"])]),
            (&["a:admin:k", "b:events:l"], &[("k", &["admin"]), ("l", &["events"])]),
            (
                &["a:push,read:k,l, b:read:m,n"],
                &[
                    ("k", &["push", "read"]),
                    ("l", &["push", "read", "events", "admin"]),
                    ("m", &["read"]),
                    ("n", &["push", "read", "events", "admin"]),
                ],
            ),
            (&["a:push:k\n b:read:l\n"], &[("k", &["push"]), ("l", &["read"])]),
        ];
        for (texts, expected) in cases {
            let backends = backends(texts).expect("valid");
            assert_eq!(backends.0.len(), expected.len(), "{texts:?}");
            for (key, scopes) in *expected {
                assert_eq!(scopes_of(&backends, key), *scopes, "{key} of {texts:?}");
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let cases = [
            (&["ci:pusj:s3cret"][..], "a scope that is none of push, read, events, admin"),
            (&["part:of-s3cret:key"], "a scope that is none"),
            (&["ci:push"], "a name and no key"),
            (&["ci:push,read"], "a name and no key"),
            (&["ci:push:"], "no key behind the name \"ci\""),
            (&["user:s3cret"], "a name and no key"),
            (&[""], "is empty"),
            (&[" ,\n"], "is empty"),
            (&["s3cret", "a:push:s3cret"], "twice"),
        ];
        for (texts, expected) in cases {
            let problem = backends(texts).expect_err(expected);
            assert!(problem.contains(expected) && !problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn one_name_is_one_backend_whatever_the_key() {
        let backends = backends(&["a:push:k", "a:push:l", "b:push:m", "n", "o"]).expect("valid");
        let ids = |key: &str| backends.find(Some(&format!("Bearer {key}"))).expect(key).ids;
        assert_eq!(ids("k"), ids("l"));
        let different = [ids("k"), ids("m"), ids("n"), ids("o"), Backend::ANYONE.ids];
        for (at, one) in different.iter().enumerate() {
            assert!(!different[..at].contains(one), "{different:?}");
        }
    }

    #[test]
    fn without_keys_none_is_needed() {
        assert_eq!(Backends::default().find(None), Ok(Backend::ANYONE));
        let backends = backends(&["k"]).expect("valid");
        assert_eq!(backends.find(None), Err(Refused::Missing));
        assert_eq!(backends.find(Some("Bearer x")), Err(Refused::Unknown));
    }
}
