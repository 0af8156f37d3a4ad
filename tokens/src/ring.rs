//! All keys of a process, and which of them a token is tried with.

use std::sync::Arc;

use crate::{
    key::Key,
    refusal::{MAX_TRIES, Refusal},
    token::Token,
};

/// The keys that tokens are checked with.
#[derive(Debug, Clone, Default)]
pub struct Ring(Vec<Arc<Key>>);

impl Ring {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Checks that the token is signed with one of the keys.
    ///
    /// # Errors
    /// It is not, or no key is for it.
    pub fn check(&self, token: &Token<'_>) -> Result<(), Refusal> {
        let of_kind = || self.0.iter().filter(|key| key.algorithm() == token.algorithm);
        if of_kind().next().is_none() {
            return Err(Refusal::NoKey(token.algorithm));
        }
        // A key without an id may be any token's, and a token without one any key's.
        let fitting = || {
            of_kind()
                .filter(|key| key.id.is_none() || token.key_id.is_none() || key.id == token.key_id)
        };
        match fitting().take(MAX_TRIES + 1).count() {
            0 => return Err(Refusal::UnknownKeyId),
            1..=MAX_TRIES => {}
            _ => return Err(Refusal::TooManyKeys(token.algorithm)),
        }
        match fitting().any(|key| key.has_signed(token)) {
            true => Ok(()),
            false => Err(Refusal::Signature),
        }
    }

    /// The keys of both.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(&others.0).map(Arc::clone).collect())
    }

    /// Whether a key has this `kid`.
    pub fn has_id(&self, id: &str) -> bool {
        self.0.iter().any(|key| key.id.as_deref() == Some(id))
    }
}

impl FromIterator<Key> for Ring {
    fn from_iter<I: IntoIterator<Item = Key>>(keys: I) -> Self {
        Self(keys.into_iter().map(Arc::new).collect())
    }
}

#[cfg(test)]
mod tests;
