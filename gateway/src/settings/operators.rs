//! What operators prove themselves with.

use std::path::PathBuf;

use clap::Args;
use settings::{ConfigError, Secret};

/// The flags of operators' keys.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OperatorsKeyArgs {
    /// Key that orders at the operators' port are given with, beside the link secret; repeatable
    #[arg(long, value_name = "KEY", hide_env_values = true)]
    pub operators_key: Vec<Secret>,

    /// File with such keys, one a line; `#` begins a comment
    #[arg(long, value_name = "FILE")]
    pub operators_key_file: Option<PathBuf>,
}

impl OperatorsKeyArgs {
    /// Every key.
    ///
    /// # Errors
    /// The file cannot be read, or a key is empty.
    pub(crate) fn load(&self) -> Result<Vec<Secret>, ConfigError> {
        Secret::load_all("operators-key", &self.operators_key, self.operators_key_file.as_deref())
    }
}
