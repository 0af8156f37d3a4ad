//! What several gateways say together.

use serde::{Deserialize, Serialize};

/// Their sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gateways {
    /// Open sessions.
    pub sessions: u64,
    /// Memory in bytes of RSS.
    pub memory: u64,
    /// CPU time so far, where they say it.
    pub cpu_seconds: Option<f64>,
}

impl Gateways {
    /// Those and these.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            sessions: self.sessions.saturating_add(other.sessions),
            memory: self.memory.saturating_add(other.memory),
            cpu_seconds: self.cpu_seconds.zip(other.cpu_seconds).map(|(a, b)| a + b),
        }
    }
}
