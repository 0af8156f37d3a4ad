//! What a program is told of pushes that are given up.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use uuid::Uuid;

/// A push that is given up. Each is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GivenUp {
    /// The push, as [`Client::push`](crate::Client::push) named it.
    pub id: Uuid,
    /// Whether it was to be kept (had a `ttl`).
    pub is_kept: bool,
    /// Why.
    pub why: Why,
}

/// Why a push is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Why {
    /// pusher-api refused it, and would again. It has not arrived.
    Refused {
        /// The HTTP status of the line, or of the whole batch: 422 for a field that is wrong, 401 for an API key that is
        /// not known, 501 where nothing is kept, 507 where nothing more is.
        status: u16,
        /// What is wrong, in pusher-api's words.
        detail: String,
        /// The JSON pointer to the wrong field.
        pointer: Option<String>,
    },
    /// It could not be sent in time. It has not arrived.
    OutOfTime,
    /// The client was closed or dropped before it was sent. It has not arrived.
    Closed,
    /// It was sent, but the answer was lost, and nobody can be asked any more who knows. It may have arrived.
    Unknown,
}

impl Why {
    /// Whether the push may have arrived all the same.
    pub fn may_have_arrived(&self) -> bool {
        *self == Self::Unknown
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { status, detail, pointer: None } => {
                write!(f, "refused: {status} {detail}")
            }
            Self::Refused { status, detail, pointer: Some(pointer) } => {
                write!(f, "refused: {status} {pointer} {detail}")
            }
            Self::OutOfTime => f.write_str("could not be sent in time"),
            Self::Closed => f.write_str("the client was closed before it was sent"),
            Self::Unknown => f.write_str("may have arrived: the answer was lost"),
        }
    }
}

/// Whom to tell.
#[derive(Clone)]
pub(super) struct Teller(Arc<dyn Fn(GivenUp) + Send + Sync>);

impl Default for Teller {
    fn default() -> Self {
        Self(Arc::new(|_| {}))
    }
}

impl fmt::Debug for Teller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Teller")
    }
}

impl Teller {
    pub(super) fn new(tell: impl Fn(GivenUp) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells; a program that panics at this loses nothing but this word.
    pub(super) fn tell(&self, given_up: GivenUp) {
        let _ = catch_unwind(AssertUnwindSafe(|| (self.0)(given_up)));
    }
}
