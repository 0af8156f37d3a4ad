//! What is wrong with a setting.

/// A setting that stops the process before it opens a port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {problem}; {expected}")]
pub struct ConfigError {
    /// The flag, with its dashes, or the key of the file.
    pub key: String,
    /// The value and what is wrong with it.
    pub problem: String,
    /// What would be right.
    pub expected: String,
}

impl ConfigError {
    /// Names the key, the problem, and what would be right.
    pub fn new(
        key: impl Into<String>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self { key: key.into(), problem: problem.into(), expected: expected.into() }
    }
}
