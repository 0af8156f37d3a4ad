//! What was seen at one time.

use limits::KernelMemory;
use serde::{Deserialize, Serialize};

use super::gateways::Gateways;

/// By the client, its machine and the gateways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Microseconds since the epoch.
    pub at: u64,
    /// Sessions open, as the client sees it.
    pub open: u64,
    /// Sessions that could not be opened so far.
    pub failed: u64,
    /// Sessions lost so far.
    pub lost: u64,
    /// Messages received so far.
    pub messages: u64,
    /// The client's memory, in bytes of RSS.
    pub client: u64,
    /// The kernel's memory.
    pub kernel: KernelMemory,
    /// What the gateways say together; nothing while one of them has not said anything.
    pub gateways: Option<Gateways>,
    /// The slowest probe since the last point, in microseconds.
    pub probe: Option<u64>,
}

impl Point {
    /// Whether anybody looked at memory then.
    pub(crate) fn has_memory(&self) -> bool {
        self.kernel.total() > 0
    }
}
