//! Who a client says it is.

use super::tokens;

/// A client's credentials.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// A user id, in development.
    User(String),
    /// A token.
    Token(String),
}

impl Who {
    /// In development.
    pub(crate) fn user(user: &str) -> Self {
        Self::User(user.to_owned())
    }

    /// With a good token.
    pub(crate) fn signed(user: &str) -> Self {
        Self::Token(tokens::token(user))
    }
}

impl From<&str> for Who {
    fn from(user: &str) -> Self {
        Self::user(user)
    }
}
