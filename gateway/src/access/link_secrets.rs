//! What a pusher-api must show to be let in as a link, and what operators show who give orders.

use parking_lot::RwLock;
use protocol::bearer::{self, Refused};
use settings::Secret;

/// The link secrets that are in force.
#[derive(Default)]
pub(crate) struct LinkSecrets(RwLock<Vec<Secret>>);

impl LinkSecrets {
    /// The first ones.
    pub(crate) fn new(secrets: Vec<Secret>) -> Self {
        Self(RwLock::new(secrets))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.read().is_empty()
    }

    /// Puts others in their place.
    pub(crate) fn replace(&self, secrets: Vec<Secret>) {
        *self.0.write() = secrets;
    }

    /// The secrets in force; none where none is needed.
    pub(crate) fn all(&self) -> Vec<Secret> {
        self.0.read().clone()
    }

    /// Checks the text of an `Authorization` header; where there is no secret, any will do.
    ///
    /// # Errors
    /// It shows none of the secrets.
    pub(crate) fn check(&self, header: Option<&str>) -> Result<(), Refused> {
        let secrets = self.0.read();
        if secrets.is_empty() {
            return Ok(());
        }
        bearer::check(header, secrets.iter().map(Secret::expose)).map(drop)
    }
}
