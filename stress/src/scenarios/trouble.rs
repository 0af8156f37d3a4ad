//! Why there is no report.

use std::io;

use settings::ConfigError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Flags that are wrong, alone or together.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The machine has no room for the client itself.
    #[error("the load client cannot run: {0}")]
    Machine(#[from] io::Error),
}
