//! What a storm does to the servers: how long the drop and the return took, and memory around it.

use limits::KernelMemory;
use serde::{Deserialize, Serialize};

/// One storm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Storm {
    /// Sessions that were to be dropped.
    pub drop: u64,
    /// When they were told to go, in microseconds since the epoch.
    pub dropped_at: Option<u64>,
    /// From then until the client had closed all.
    pub closed_seconds: Option<f64>,
    /// From then until the gateways' metrics had gone down by as many.
    pub gone_seconds: Option<f64>,
    /// From the order to reopen until all were in.
    pub reopen_seconds: Option<f64>,
    /// Memory before, while and after they were there.
    pub memory: Vec<Reading>,
}

/// When memory was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    /// The others are open, those to be dropped are not yet.
    Before,
    /// All are open.
    Full,
    /// They are gone.
    Gone,
    /// A while later.
    Settled,
    /// They are back.
    Reopened,
}

impl Moment {
    /// As it stands in tables.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before they came",
            Self::Full => "all open",
            Self::Gone => "just gone",
            Self::Settled => "a while later",
            Self::Reopened => "back again",
        }
    }
}

/// Memory at one moment, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// When it was.
    pub moment: Moment,
    /// The gateways' RSS; nothing without `--operators`.
    pub gateways: Option<u64>,
    /// The kernel's.
    pub kernel: KernelMemory,
    /// This client's RSS.
    pub client: u64,
}

impl Storm {
    /// The reading of a moment.
    pub(crate) fn reading(&self, moment: Moment) -> Option<&Reading> {
        self.memory.iter().find(|reading| reading.moment == moment)
    }

    /// The gateways' memory a while after the drop, as a multiple of what it was before those
    /// sessions came.
    pub(crate) fn gateway_memory_ratio(&self) -> Option<f64> {
        let bytes = |moment| self.reading(moment).and_then(|reading| reading.gateways);
        let before = bytes(Moment::Before).filter(|bytes| *bytes > 0)?;
        Some(bytes(Moment::Settled)? as f64 / before as f64)
    }
}
